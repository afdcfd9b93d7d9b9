"""FRRouting in a folder of its own: lines in, what it answers and what it shows out."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from tests import helpers_processes as processes

DAEMONS = Path("/usr/lib/frr")
NAMES = ("zebra", "staticd", "bgpd", "ospfd")
_EXTRA = {"bgpd": ("-p", "0"), "ospfd": ("-n", "1")}
"""BGP listens nowhere; the OSPF process has the number that IOS wants."""
_PATIENCE = 20.0


def missing() -> str | None:
    """Why FRRouting cannot run here; None when it can."""
    if os.geteuid() != 0:
        return "FRRouting needs root for its network namespaces"
    lacking = [name for name in NAMES if not (DAEMONS / name).exists()]
    if lacking or shutil.which("vtysh") is None or shutil.which("unshare") is None:
        return "FRRouting is not installed (Debian package frr)"
    return None


class Refused(Exception):
    """FRRouting did not take a line; the message is the line and its answer."""


class Router:
    """One router: four daemons without a network, joined by sockets in a folder of its own.

    Each daemon stands in a network namespace without links, so that nothing it learns reaches
    the machine. Stopped by the ids the daemons wrote down, and by nothing else.
    """

    def __init__(self, *, hostname: str | None = None, config: str = "") -> None:
        """``config`` is what it boots from, and where `write memory` writes to."""
        self._folder = Path(tempfile.mkdtemp(prefix="catnet-frr-"))
        self._sockets = ("--vty_socket", str(self._folder))
        self._hostname = hostname
        self._config = config

    @property
    def vtysh(self) -> tuple[str, ...]:
        """The command that opens a terminal of this router."""
        return ("/usr/bin/vtysh", *self._sockets, "--config_dir", str(self._folder))

    @property
    def startup(self) -> str:
        """What is saved."""
        return (self._folder / "frr.conf").read_text()

    def __enter__(self) -> Self:
        # The daemons give up root: the folder is theirs.
        user = pwd.getpwnam("frr")
        self._folder.chmod(0o2775)
        texts = {"vtysh.conf": "", "frr.conf": self._config}
        if self._hostname is not None:
            texts["vtysh.conf"] = f"service integrated-vtysh-config\nhostname {self._hostname}\n"
        for name, text in texts.items():
            (self._folder / name).write_text(text)
            (self._folder / name).chmod(0o664)
        for path in (self._folder, *self._folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)
        try:
            self._boot()
        except BaseException:
            self.stop()
            raise
        return self

    def _boot(self) -> None:
        for name in NAMES:
            self._start(name)
        self._wait(lambda: len(list(self._folder.glob("*.vty"))) == len(NAMES))
        if self.startup:
            self._run([*self.vtysh, "-b"])

    def seal(self) -> None:
        """From now on `write memory` fails: nobody but root may write here."""
        for path in (self._folder / "frr.conf", self._folder):
            os.chown(path, 0, 0)
            path.chmod(0o755)

    def reboot(self) -> None:
        """Lose what runs and boot from what is saved."""
        self._halt()
        self._boot()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, name: str) -> None:
        files = ("-i", f"{name}.pid", "-z", "zserv.api", "-f", f"{name}.conf")
        paths = [one if one.startswith("-") else str(self._folder / one) for one in files]
        command = [str(DAEMONS / name), "-d", *self._sockets, *paths]
        if self._hostname is not None:
            script = 'hostname "$0" && exec "$@"'
            command = ["--uts", "sh", "-c", script, self._hostname, *command]
        self._run(["unshare", "--net", *command, "-P", "0", *_EXTRA.get(name, ())])

    def stop(self) -> None:
        """End the daemons, wait until they are gone, remove the folder."""
        self._halt()
        shutil.rmtree(self._folder)

    def _halt(self) -> None:
        # As a power cut does: nothing is tidied up.
        ids = [int(path.read_text()) for path in self._folder.glob("*.pid") if path.stat().st_size]
        processes.end(ids)
        for pattern in ("*.pid", "*.vty"):
            for path in self._folder.glob(pattern):
                path.unlink()

    def show(self) -> str:
        """The running-config from ``frr version`` to ``end``."""
        shown = self._vtysh(["show running-config"]).stdout
        return shown[shown.index("frr version") :]

    def type(self, lines: Sequence[str]) -> None:
        """Type lines in configuration mode. Raises Refused at the first that is not taken.

        What FRRouting says without refusing (that a line will go away some day) is let pass.
        """
        if not lines:
            return
        done = self._vtysh(["configure terminal", *lines], echo=True)
        said = done.stdout.splitlines()
        errors = [at for at, line in enumerate(said) if line.startswith("%")]
        if errors or done.returncode:
            tail = said[max(0, (errors or [len(said)])[0] - 1) :] + done.stderr.splitlines()
            raise Refused(" | ".join(tail[:3]))
        echoed = [line for line in said if re.match(r"\S+\(config[^)]*\)# ", line)]
        if len(echoed) != len(lines):
            raise Refused(f"{len(lines)} lines typed, {len(echoed)} taken")

    def _vtysh(
        self, lines: Sequence[str], *, echo: bool = False
    ) -> subprocess.CompletedProcess[str]:
        typed = [word for line in lines for word in ("-c", line)]
        return subprocess.run(
            [*self.vtysh, *(["-E"] if echo else []), *typed],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )

    @staticmethod
    def _run(command: Sequence[str]) -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE)

    @staticmethod
    def _wait(true: Callable[[], bool]) -> None:
        until = time.monotonic() + _PATIENCE
        while not true():
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.02)
