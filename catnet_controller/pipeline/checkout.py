"""Stage: from a folder on this machine to the files of a config repository."""

import os
from pathlib import Path

from catnet_controller.errors import Refused
from catnet_controller.policy import desired


def files(folder: Path) -> dict[str, bytes]:
    """The files of a checkout that matter, by path; symbolic links are not followed.

    Raises Refused when the folder is not there or a file cannot be read.
    """
    if not folder.is_dir():
        raise Refused(
            f"{folder}: not a folder",
            next_step="Name the folder that holds inventory.yaml.",
        )
    found = {}
    for around, folders, names in os.walk(folder):
        # git's own folder holds more files than the repository, and none of its content.
        folders[:] = sorted(name for name in folders if name != ".git")
        for path in (Path(around, name) for name in sorted(names)):
            name = path.relative_to(folder).as_posix()
            if desired.wanted(name) and path.is_file() and not path.is_symlink():
                try:
                    found[name] = path.read_bytes()
                except OSError as error:
                    raise Refused(f"{path}: {error.strerror}") from error
    return found
