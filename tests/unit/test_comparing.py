"""What may be shown of configurations: no secret, yet a changed one is seen to have changed."""

from catnet_controller.app.comparing import Comparing
from catnet_controller.devices.computing import at_once
from catnet_controller.models import Desired, Device, Scope
from catnet_controller.pipeline.compare import Compare
from catnet_controller.policy.guard import Rules

CONFIG = """\
hostname edge1
!
enable secret 9 $9$firstsecret
snmp-server community {community} RO
interface GigabitEthernet0/1
 description kept for {community}
!
end
"""
COMPARING = Comparing(
    compare=Compare(
        rules=Rules(), secrets={"snmp": "s3cr3t-community"}, mark=b"m" * 32, strict=False
    ),
    offload=at_once,
)


async def test_a_configuration_is_shown_without_its_secrets() -> None:
    shown = await COMPARING.hide(CONFIG.format(community="s3cr3t-community"))
    assert "hostname edge1" in shown
    for secret in ("firstsecret", "s3cr3t-community"):
        assert secret not in shown


async def test_a_changed_secret_is_seen_but_not_shown() -> None:
    before = CONFIG.format(community="s3cr3t-community")
    after = CONFIG.format(community="another-one").replace("kept for another-one", "spare")
    diff = await COMPARING.differ(before, after)
    assert "+ description spare" in diff
    assert diff.count("snmp-server community <secret") == 2
    for secret in ("firstsecret", "s3cr3t-community", "another-one"):
        assert secret not in diff
    assert await COMPARING.differ(before, before) == ""


async def test_what_the_branch_wants_counts_only_for_what_it_names() -> None:
    text = 'snmp-server community {{ secret("snmp") }} RO\nntp server 192.0.2.1\n'
    device = Device(name="edge1", host="", scope=Scope.PARTIAL)
    wanted = Desired(device=device, text=text, digest="d", origins=("a:1", "a:2"))
    diff = await COMPARING.differ(CONFIG.format(community="s3cr3t-community"), wanted)
    assert diff == "+ntp server 192.0.2.1"
