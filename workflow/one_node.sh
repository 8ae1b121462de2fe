#!/bin/sh
# A SLURM cluster of one node on this machine, to try what is meant for a larger one. For Debian and
# Ubuntu, as root; without systemd too.
#     sh workflow/one_node.sh start     installs slurm and munge, writes /etc/slurm, waits for the node
#     sh workflow/one_node.sh stop      ends what `start` has started
set -eu
CONF=/etc/slurm/slurm.conf MARK="# written by workflow/one_node.sh" RUN=/run/one_node
MUNGE=/run/munge # of its user, with its socket

fail() {
    echo "one_node.sh: $1" >&2
    exit 1
}

write_configuration() {
    if [ -f "$CONF" ] && ! grep -q "^$MARK" "$CONF"; then
        fail "$CONF is there, and not from here: this machine belongs to a cluster"
    fi
    mkdir -p /etc/slurm "$RUN/state" "$RUN/spool"
    cat >"$CONF" <<END
$MARK
ClusterName=one
SlurmctldHost=$(hostname -s)(127.0.0.1)
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc --all) RealMemory=$(free -m | awk '/^Mem/ { print $2 }')
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MinJobAge=3600
StateSaveLocation=$RUN/state
SlurmdSpoolDir=$RUN/spool
SlurmctldPidFile=$RUN/slurmctld.pid
SlurmdPidFile=$RUN/slurmd.pid
SlurmctldLogFile=$RUN/slurmctld.log
SlurmdLogFile=$RUN/slurmd.log
END
}

start() {
    [ "$(id -u)" = 0 ] || fail "needs root"
    command -v apt-get >/dev/null || fail "needs Debian or Ubuntu: there is no apt-get"
    if ! command -v slurmctld slurmd munged sbatch >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -qq -y --no-install-recommends slurmctld slurmd slurm-client munge
    fi
    write_configuration
    mkdir -p "$MUNGE"
    chown munge: "$MUNGE"
    munge -n >/dev/null 2>&1 || runuser -u munge -- munged --pid-file "$MUNGE/one_node.pid"
    slurmctld
    slurmd
    tries=0
    until sinfo --noheader --format %T 2>/dev/null | grep -q idle; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || fail "the node is not ready, see $RUN/*.log"
        sleep 1
    done
    sinfo
}

stop() {
    scancel --user root 2>/dev/null || true
    for file in "$RUN/slurmd.pid" "$RUN/slurmctld.pid" "$MUNGE/one_node.pid"; do
        [ ! -f "$file" ] || kill "$(cat "$file")" || true
    done
}

case "${1:-}" in
start) start ;;
stop) stop ;;
*) fail "start or stop?" ;;
esac
