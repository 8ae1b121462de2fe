#!/bin/sh
# Print the newest Python that the lock is made for; if there is none, say what was found and what
# helps. PYTHON names the only one to look at.
versions="3.13 3.12 3.11"
found=
for name in ${PYTHON:-python3.13 python3.12 python3.11 python3}
do
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case " $versions " in
    *" $version "*)
        if "$name" -c 'import ensurepip, venv' 2>/dev/null
        then
            command -v "$name"
            exit
        fi
        found="$found $name ($version, without its venv module: Debian and Ubuntu have it in python$version-venv)"
        ;;
    *)
        found="$found $name ($version)"
        ;;
    esac
done
printf '%s\n' >&2 \
    "Python 3.11, 3.12 or 3.13 with its venv module is needed, and was not found." \
    "Found:${found:- no Python${PYTHON:+ named $PYTHON}}" \
    "Any of these helps:" \
    "    Debian, Ubuntu    sudo apt install python3-venv" \
    "    Homebrew          brew install python@3.13" \
    "    uv                uv python install 3.13, then: make PYTHON=\"\$(uv python find 3.13)\"" \
    "    conda             conda create --name paper python=3.13, activate it, then: make PYTHON=python"
exit 1
