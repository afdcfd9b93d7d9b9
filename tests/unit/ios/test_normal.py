"""A digest of a reading: equal while nobody changed the device, and nothing is understood."""

import pytest

from catnet_controller.ios.normal import shown

READING = """\
Building configuration...

Current configuration : 999 bytes
!
! Last configuration change at 22:14:23 UTC Fri May 28 2021 by boxen
! NVRAM config last updated at 16:10:30 UTC Tue Nov 8 2016 by admin
!
version 15.7
hostname r1
!
banner motd ^C
! Last word
^C
ntp clock-period 36028797
ntp server 192.0.2.1
end
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("999 bytes", "1000 bytes"),
        ("22:14:23 UTC Fri May 28 2021 by boxen", "22:15:00 UTC Sat May 29 2021 by bob"),
        ("! NVRAM config last updated at 16:10:30 UTC Tue Nov 8 2016 by admin\n", ""),
        ("ntp clock-period 36028797", "ntp clock-period 36028799"),
        ("ntp clock-period 36028797\n", ""),
        ("Building configuration...\n\n", ""),
    ],
)
def test_what_changes_by_itself_is_no_change(old: str, new: str) -> None:
    assert old in READING
    assert shown(READING.replace(old, new)) == shown(READING)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("192.0.2.1", "192.0.2.2"),
        ("! Last word", "! Last words"),
        ("hostname r1", "hostname r2"),
        ("ntp server 192.0.2.1\n", ""),
    ],
)
def test_anything_else_is(old: str, new: str) -> None:
    assert shown(READING.replace(old, new)) != shown(READING)
