"""OpenSSH's own server on a loopback port, with an account and a host key of its own."""

import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests import helpers_processes as processes

SSHD = Path("/usr/sbin/sshd")
_PATIENCE = 20.0
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/hostkey
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
AuthorizedKeysFile none
AllowUsers {user}
AllowTcpForwarding yes
PrintMotd no
PrintLastLog no
{force}
"""


def missing() -> str | None:
    """Why it cannot run here; None when it can."""
    if os.geteuid() != 0:
        return "OpenSSH's server needs root for an account of its own"
    if not SSHD.exists() or shutil.which("ssh-keygen") is None or shutil.which("useradd") is None:
        return "OpenSSH's server is not installed (Debian package openssh-server)"
    return None


class Sshd:
    """One server and one account; whoever logs in gets ``command``, or ``script``, or a shell.

    The account is made for this server and removed with it. Processes are ended by the ids that
    the server wrote down and by those of its children.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] = (),
        script: str = "",
        groups: Sequence[str] = (),
        password: str = "pw-1-pw",
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="catnet-sshd-"))
        self._groups = groups
        self._command = [str(self._folder / "script")] if script else command
        self._script = script
        self.user = f"cn{os.getpid()}-{self._folder.name[-8:].lower()}"[:32]
        self.password = password
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    def __enter__(self) -> Self:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        more = ("-G", ",".join(self._groups)) if self._groups else ()
        _run("useradd", "-M", "-d", "/", "-s", "/bin/bash", *more, self.user)
        try:
            if self._script:
                self._folder.chmod(0o755)
                (self._folder / "script").write_text(self._script)
                (self._folder / "script").chmod(0o755)
            _run("chpasswd", said=f"{self.user}:{self.password}\n")
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / "hostkey"))
            force = f"ForceCommand {shlex.join(self._command)}" if self._command else ""
            text = _CONFIG.format(port=self.port, folder=self._folder, user=self.user, force=force)
            (self._folder / "sshd.conf").write_text(text)
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._remove()

    @property
    def known_hosts_line(self) -> str:
        algorithm, key, *_ = (self._folder / "hostkey.pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {algorithm} {key}\n"

    def start(self) -> None:
        """Let it listen, and wait until it does."""
        config = str(self._folder / "sshd.conf")
        _run(str(SSHD), "-f", config, "-E", str(self._folder / "sshd.log"))
        until = time.monotonic() + _PATIENCE
        while True:
            with (
                contextlib.suppress(ConnectionRefusedError),
                socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE),
            ):
                return
            if time.monotonic() > until:
                raise TimeoutError(self._said())
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server and every session of it, at once."""
        listener = self._listener()
        if listener is not None:
            processes.end([listener, *processes.below(listener)])
            (self._folder / "sshd.pid").unlink(missing_ok=True)

    def cut(self) -> None:
        """End every session; the server goes on listening."""
        listener = self._listener()
        assert listener is not None
        processes.end(processes.below(listener))

    @property
    def sessions(self) -> int:
        """How many connections it has."""
        listener = self._listener()
        return 0 if listener is None else len(processes.children(listener))

    def runs(self, name: str) -> bool:
        """Whether a program of this name runs in one of its sessions."""
        listener = self._listener()
        below = [] if listener is None else processes.below(listener)
        return any(processes.name(one) == name for one in below)

    def _listener(self) -> int | None:
        try:
            return int((self._folder / "sshd.pid").read_text())
        except FileNotFoundError:
            return None

    def _said(self) -> str:
        path = self._folder / "sshd.log"
        return path.read_text() if path.exists() else "no log"

    def _remove(self) -> None:
        _run("userdel", "--force", self.user)
        shutil.rmtree(self._folder)


def _run(*command: str, said: str | None = None) -> None:
    subprocess.run(
        command, check=True, capture_output=True, text=True, input=said, timeout=_PATIENCE
    )
