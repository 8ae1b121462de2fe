"""Python processes that start warm: forked from one that has imported the libraries.

Most of a short notebook run is start-up: papermill, the kernel and TensorFlow are imported for
seconds before the first cell. A server imports them once, and

    python -SE workflow/warm.py MODULE ARGUMENTS ...

is then ``python -m MODULE ARGUMENTS ...`` in a fork of it. A fork holds what an interpreter holds
after these imports, and nothing of any other run. Without a server the module is started in the
ordinary way.

The server, ``python workflow/warm.py --serve``, prints the name of its folder: put that into the
environment as WARM_PYTHON, and into JUPYTER_PATH to have notebook kernels start warm as well. It
ends when its standard input is closed.
"""

import json
import os
import signal
import socket
import sys

PRELOADED = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "matplotlib_inline.backend_inline",
    "papermill.cli",
    "matplotlib.pyplot",
    "xai_utils",
)
FORWARDED = (signal.SIGINT, signal.SIGTERM)
LARGEST_REQUEST = 1 << 20  # bytes
PATIENCE = 2  # seconds between two looks at whether the caller is still there


def run(module, arguments):
    """Run a module in a fork of the server, and end with its exit status."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = {"argv": [module, *arguments], "cwd": os.getcwd(), "environment": dict(os.environ)}
    try:
        _in_folder(os.environ["WARM_PYTHON"], server.connect)
        socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
    except (KeyError, OSError):
        os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
    for number in FORWARDED:
        signal.signal(number, lambda number, frame: server.send(bytes([number])))
    caller = os.getppid()
    server.settimeout(PATIENCE)
    while True:
        try:
            status = server.recv(1)  # nothing if the server was killed
            sys.exit(status[0] if status else 1)
        except TimeoutError:
            if os.getppid() != caller:  # a kernel must not outlive the notebook run it serves
                sys.exit(1)


def _in_folder(folder, connect_or_bind):
    """The name of a socket has hardly more than a hundred bytes: too few for some folders."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        connect_or_bind("socket")
    finally:
        os.chdir(here)


def serve():
    """Import the libraries, then fork for every request, until standard input is closed."""
    import gc
    import importlib
    import shutil
    import tempfile

    folder = tempfile.mkdtemp(prefix="warm-")
    _write_kernel_spec(folder)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    _in_folder(folder, listener.bind)
    listener.listen(64)  # who comes before the imports are done waits here
    print(folder, flush=True)
    del sys.path[0]  # the folder of this script
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as a kernel sets it
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # the forks share these objects as long as nobody writes to them
    connection = _fork_for_each(listener)
    if connection is None:
        shutil.rmtree(folder)
    else:
        listener.close()
        _work(connection)


def _write_kernel_spec(folder):
    """The kernel that all notebooks name, started warm."""
    spec = os.path.join(folder, "kernels", "python3")
    os.makedirs(spec)
    script = os.path.abspath(__file__)
    argv = [sys.executable, "-SE", script, "ipykernel_launcher", "-f", "{connection_file}"]
    with open(os.path.join(spec, "kernel.json"), "w") as file:
        json.dump({"argv": argv, "display_name": "Python 3", "language": "python"}, file)


def _fork_for_each(listener):
    """In a fork: its connection. In the server, when standard input is closed: None."""
    import selectors

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the runs, and they the server
    selector = selectors.DefaultSelector()
    for source in (listener, sys.stdin):
        selector.register(source, selectors.EVENT_READ)
    while True:
        ready = [key.fileobj for key, _ in selector.select()]
        if sys.stdin in ready:
            return None
        connection, _ = listener.accept()
        if os.fork() == 0:
            selector.close()
            return connection
        connection.close()


def _work(connection):
    """Run the module of one request in a fork, pass signals on to it, and report how it ended."""
    from multiprocessing import get_context
    from multiprocessing.connection import wait

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    message, streams, *_ = socket.recv_fds(connection, LARGEST_REQUEST, 3)
    # a process of this kind leaves at once: to take TensorFlow apart would cost a second
    worker = get_context("fork").Process(target=_run_module, args=(json.loads(message), streams))
    worker.start()
    while worker.sentinel not in wait([worker.sentinel, connection]):
        number = connection.recv(1)
        if not number:  # the caller was killed
            worker.kill()
            os._exit(1)
        os.kill(worker.pid, number[0])
    worker.join()
    status = worker.exitcode
    connection.send(bytes([status if status >= 0 else 128 - status]))
    os._exit(0)


def _run_module(request, streams):
    import runpy

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["argv"]
    sys.path.insert(0, request["cwd"])
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve()
    else:
        run(sys.argv[1], sys.argv[2:])
