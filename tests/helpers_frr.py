"""FRRouting in a folder of its own: lines in, what it answers and what it shows out."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

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

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="catnet-frr-"))
        self._sockets = ("--vty_socket", str(self._folder))

    def __enter__(self) -> Self:
        # The daemons give up root: the folder is theirs.
        user = pwd.getpwnam("frr")
        self._folder.chmod(0o755)
        os.chown(self._folder, user.pw_uid, user.pw_gid)
        for name in ("vtysh.conf", "frr.conf"):
            (self._folder / name).touch()
        try:
            for name in NAMES:
                self._start(name)
            self._wait(lambda: len(list(self._folder.glob("*.vty"))) == len(NAMES))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, name: str) -> None:
        files = ("-i", f"{name}.pid", "-z", "zserv.api", "-f", f"{name}.conf")
        paths = [one if one.startswith("-") else str(self._folder / one) for one in files]
        command = ["unshare", "--net", str(DAEMONS / name), "-d", *self._sockets, *paths]
        self._run([*command, "-P", "0", *_EXTRA.get(name, ())])

    def stop(self) -> None:
        """End the daemons, wait until they are gone, remove the folder."""
        ids = [int(path.read_text()) for path in self._folder.glob("*.pid") if path.stat().st_size]
        for number in ids:
            _kill(number, signal.SIGTERM)
        try:
            self._wait(lambda: not any(_lives(number) for number in ids))
        except TimeoutError:
            for number in ids:
                _kill(number, signal.SIGKILL)
        shutil.rmtree(self._folder)

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
        where = ["vtysh", *self._sockets, "--config_dir", str(self._folder)]
        return subprocess.run(
            [*where, *(["-E"] if echo else []), *typed],
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


def _lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def _kill(number: int, how: signal.Signals) -> None:
    if _lives(number):
        os.kill(number, how)
