"""From files of a repository to a snapshot, or to every problem with its place."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catnet_controller.devices import platforms
from catnet_controller.models import Fallback, Jump, Revision, Scope, Snapshot
from catnet_controller.policy import desired, roster
from catnet_controller.policy.desired import build, digest, wanted

REVISION = Revision(sha="1" * 40, ref="branch/main")
SAMPLE = Path(__file__).parents[3] / "sample-repo"


def snapshot(inventory: str, **configs: str) -> Snapshot:
    """``configs`` are files below configs/; ``__`` in a name is a slash, a bare one is a .cfg."""
    files = {"inventory.yaml": inventory.encode()}
    for name, text in configs.items():
        path = name.replace("__", "/")
        stem, _, ending = path.rpartition("_")
        path = f"{stem}.j2" if ending == "j2" else f"{path}.cfg"
        files[f"configs/{path}"] = text.encode()
    return build(files, REVISION)


def problems(inventory: str, **configs: str) -> list[str]:
    found = snapshot(inventory, **configs)
    assert not found.desired, "a revision is taken as a whole or not at all"
    return [str(problem) for problem in found.problems]


def read_sample() -> dict[str, bytes]:
    return {
        str(path.relative_to(SAMPLE)): path.read_bytes()
        for path in SAMPLE.rglob("*")
        if path.is_file()
    }


ONE = "devices:\n  r1: {host: 192.0.2.1}\n"


# --- what comes out ------------------------------------------------------------------------------


def test_the_sample_repository_is_taken_whole() -> None:
    found = build(read_sample(), REVISION)
    assert found.problems == ()
    assert set(found.desired) == {"edge1", "core1", "access1"}
    for name, one in found.desired.items():
        lines = one.text.splitlines()
        assert 60 <= len(lines) <= 150
        assert len(one.origins) == len(lines)
        assert f"hostname {name}" in lines
        assert one.device.scope is Scope.FULL
        assert any(line.startswith("username catnet ") for line in lines)
        archive = lines.index("archive")
        assert any(line.startswith(" path flash:") for line in lines[archive : archive + 6])


def test_every_origin_is_the_place_of_its_line() -> None:
    files = read_sample()
    for one in build(files, REVISION).desired.values():
        for line, origin in zip(one.text.splitlines(), one.origins, strict=True):
            file, _, number = origin.rpartition(":")
            source = files[file].decode().splitlines()[int(number) - 1]
            if file.endswith(".j2"):
                assert line.split()[0] in source
            else:
                assert line.strip() == source.strip()


def test_pieces_come_in_the_order_of_defaults_groups_device() -> None:
    found = snapshot(
        """
        defaults: {configs: [common/a.cfg]}
        groups:
          g1: {configs: [common/b.cfg, common/a.cfg]}
          g2: {configs: [configs/common/c.cfg]}
        devices:
          r1: {host: h1, groups: [g2, g1], configs: [d.cfg]}
        """,
        common__a="a line\n",
        common__b="b line\n",
        common__c="c line\n",
        d="d line\n",
        r1="hostname r1\n",
    )
    assert found.problems == ()
    assert found.desired["r1"].text == "a line\nc line\nb line\nd line\nhostname r1\n"


def test_a_device_gets_the_nearest_word() -> None:
    found = snapshot(
        """
        defaults: {port: 2222, site: hq, credential: all, scope: partial, fallback: reverse}
        groups:
          old: {algorithms: ancient, site: attic, window: 1}
          far: {site: branch, credential: far}
        devices:
          r1: {host: H1.example.net, groups: [old, far], credential: own, scope: full}
          r2: {host: "2001:DB8::1", port: 22}
        """,
        r1="hostname r1\n",
        r2="hostname r2\n",
    )
    assert found.problems == ()
    r1, r2 = found.desired["r1"].device, found.desired["r2"].device
    assert (r1.port, r1.site, r1.credential, r1.algorithms) == (2222, "branch", "own", "ancient")
    assert (r1.scope, r1.fallback, r1.groups) == (Scope.FULL, Fallback.REVERSE, ("old", "far"))
    assert (r1.host, r2.host) == ("H1.example.net", "2001:db8::1")
    assert (r2.port, r2.scope, r2.algorithms) == (22, Scope.PARTIAL, "modern")
    assert (r1.window, r2.window) == (1, 64)


def test_sections_of_two_pieces_are_put_together() -> None:
    found = snapshot(
        "devices:\n  r1: {host: h1, configs: [common/a.cfg]}\n",
        common__a="line vty 0 4\n exec-timeout 15 0\n transport input ssh\n!\nend\n",
        r1="hostname r1\nline vty 0 4\n access-class X in\n transport input ssh\nend\n",
    )
    assert found.problems == ()
    one = found.desired["r1"]
    assert one.text == (
        "line vty 0 4\n exec-timeout 15 0\n transport input ssh\n access-class X in\nhostname r1\n"
    )
    assert one.origins == (
        *(f"configs/common/a.cfg:{number}" for number in (1, 2, 3)),
        *("configs/r1.cfg:3", "configs/r1.cfg:1"),
    )


def test_address_families_of_two_pieces_are_put_together() -> None:
    found = snapshot(
        "devices:\n  r1: {host: h1, configs: [a.cfg]}\n",
        a="router bgp 1\n address-family ipv4\n  network 192.0.2.0\n exit-address-family\n",
        r1="hostname r1\nrouter bgp 1\n address-family ipv4\n  network 198.51.100.0\n"
        " exit-address-family\n",
    )
    assert found.problems == ()
    lines = found.desired["r1"].text.splitlines()
    assert lines[:4] == [
        *("router bgp 1", " address-family ipv4", "  network 192.0.2.0", "  network 198.51.100.0")
    ]


def test_banners_keep_every_character_and_origin() -> None:
    banner = "banner motd ^C\n! not a comment\n  end\n\n interface x\n^C\n"
    found = snapshot(ONE, r1=f"hostname r1\n{banner}")
    assert found.problems == ()
    one = found.desired["r1"]
    assert one.text == f"hostname r1\n{banner}"
    assert one.origins == tuple(f"configs/r1.cfg:{number}" for number in range(1, 8))


def test_remarks_that_come_again_are_kept() -> None:
    acl = "ip access-list extended A\n remark ---\n permit ip any any\n remark ---\n"
    found = snapshot(ONE, r1=f"hostname r1\n{acl}")
    assert found.desired["r1"].text == f"hostname r1\n{acl}"


def test_a_commit_that_changes_comments_only_wants_the_same() -> None:
    before = snapshot(ONE, r1="hostname r1\n!\n! old words\nip domain name example.net\n")
    after = snapshot(ONE, r1="! new words\nhostname r1\r\nip domain name example.net   \n!\n")
    assert before.desired["r1"].digest == after.desired["r1"].digest
    assert before.desired["r1"].origins != after.desired["r1"].origins


def test_the_digest_is_of_device_scope_and_text() -> None:
    found = snapshot("devices:\n  r1: {host: h1, scope: partial}\n", r1="ntp server 192.0.2.9\n")
    expected = hashlib.sha256(b"r1\npartial\nntp server 192.0.2.9\n").hexdigest()
    assert found.desired["r1"].digest == f"sha256:{expected}"
    assert digest("r1", Scope.FULL, "x") != digest("r1", Scope.PARTIAL, "x")
    assert digest("r1", Scope.FULL, "x") != digest("r2", Scope.FULL, "x")


def test_secrets_stay_names() -> None:
    found = snapshot(
        "devices:\n  r1: {host: h1, configs: [snmp.j2], vars: {who: snmp_ro}}\n",
        snmp_j2="snmp-server community {{ secret(who) }} RO\n",
        r1='hostname r1\nenable secret {{ secret("enable") }}\n',
    )
    assert found.problems == ()
    assert found.desired["r1"].text.splitlines() == [
        'snmp-server community {{ secret("snmp_ro") }} RO',
        "hostname r1",
        'enable secret {{ secret("enable") }}',
    ]


def test_variables_come_from_defaults_groups_and_device() -> None:
    found = snapshot(
        """
        defaults: {configs: [all.j2], vars: {a: 1, b: 1, c: 1, d: [1, {x: "y"}], e: no way}}
        groups: {g: {vars: {b: 2, c: 2}}}
        devices:
          r1: {host: h1, groups: [g], site: hq, vars: {c: 3}}
        """,
        all_j2="hostname {{ name }}\n"
        "note {{ a }} {{ b }} {{ c }} {{ d[1].x }} {{ e }} {{ host }} {{ site }} {{ groups[0] }}\n",
        r1="!\n",
    )
    assert found.problems == ()
    assert found.desired["r1"].text == "hostname r1\nnote 1 2 3 y no way h1 hq g\n"


def test_what_is_wanted() -> None:
    assert wanted("inventory.yaml")
    assert wanted("configs/r1.cfg")
    assert wanted("configs/common/a.j2")
    assert not wanted("README.md")
    assert not wanted("other/inventory.yaml")
    assert not wanted("catnet.yaml")


JUMPS = "jumps:\n  bastion: {host: 192.0.2.9, port: 2222, credential: hop}\n"


def test_a_jump_host_is_of_the_nearest_word_and_none_means_direct() -> None:
    found = snapshot(
        f"{JUMPS}defaults: {{jump: bastion}}\n"
        "devices:\n  r1: {host: 192.0.2.1}\n  r2: {host: 192.0.2.2, jump: none}\n",
        r1="hostname r1\n",
        r2="hostname r2\n",
    )
    assert found.problems == ()
    jump = Jump(name="bastion", host="192.0.2.9", port=2222, credential="hop")
    assert found.desired["r1"].device.jump == jump
    assert found.desired["r2"].device.jump is None


@pytest.mark.parametrize(
    ("inventory", "line", "said"),
    [
        (f"{JUMPS}devices:\n  r1: {{host: h, jump: bastoin}}\n", 4, "did you mean `bastion`?"),
        ("devices:\n  r1: {host: h, jump: x}\n", 2, "no jump host x under `jumps`"),
        ("jumps:\n  b: {port: 22}\ndevices:\n  r1: {host: h}\n", 2, "`host` is missing"),
        (
            "jumps:\n  b: {host: x, platform: ios}\ndevices:\n  r1: {host: h}\n",
            2,
            "unknown key `platform`",
        ),
        ("jumps:\n  none: {host: x}\ndevices:\n  r1: {host: h}\n", 2, "there is no jump host"),
        (
            "jumps:\n  r1: {host: x}\ndevices:\n  r1: {host: h}\n",
            2,
            "both a jump host and a device",
        ),
    ],
)
def test_a_jump_host_that_cannot_be_is_said_with_its_line(
    inventory: str, line: int, said: str
) -> None:
    found = problems(inventory, r1="hostname r1\n")
    assert len(found) == 1
    assert found[0].startswith(f"inventory.yaml:{line}: ")
    assert said in found[0]


def test_a_platform_is_one_that_can_be_spoken_to() -> None:
    assert set(roster.PLATFORMS) == set(platforms.PLATFORMS)


# --- what is refused -----------------------------------------------------------------------------


def test_every_problem_is_listed_at_once_and_sorted() -> None:
    assert problems(
        "defaults:\n"
        "  prot: 22\n"
        "groups:\n"
        "  g: {scope: ful}\n"
        "devices:\n"
        "  r1: {host: 192.0.2.300}\n"
        "  'a b': {host: h}\n"
        "  r2:\n"
        "    host: h2\n"
        "    port: 99999\n"
        "    groups: [gg]\n"
        "    configs: [comon/a.cfg]\n"
        "  r1: {host: h3}\n",
        common__a="\n",
        r1="hostname r1\n x y\n",
        rr2="hostname rr2\n",
        r2="hostname r2\n  indented\n",
    ) == [
        "configs/rr2.cfg: no device is named `rr2` and nothing lists this file, did you mean `r2`?",
        "inventory.yaml:2: defaults: unknown key `prot`, did you mean `port`?",
        "inventory.yaml:4: groups.g.scope: must be full or partial, did you mean `full`?",
        "inventory.yaml:6: devices.r1.host: `192.0.2.300` is neither a host name nor an IP address",
        (
            "inventory.yaml:7: device `a b`: a name has up to 63 letters, digits and `. _ -`, "
            "and begins with a letter or digit"
        ),
        "inventory.yaml:8: device r2: no group gg, did you mean `g`?",
        "inventory.yaml:10: devices.r2.port: must be a number from 1 to 65535",
        (
            "inventory.yaml:12: devices.r2.configs: no file configs/comon/a.cfg, "
            "did you mean `configs/common/a.cfg`?"
        ),
        "inventory.yaml:13: devices: `r1` is already there in line 6",
    ]


@pytest.mark.parametrize(
    ("inventory", "line", "words"),
    [
        ("", 0, "no device is listed"),
        ("devices: {}\n", 1, "no device is listed"),
        ("- a\n", 1, "must be a mapping"),
        ("devices: [r1]\n", 1, "must be a mapping"),
        ("devices:\n  r1: 5\n", 2, "must be a mapping"),
        ("devices:\n  r1: {host: h\n", 3, "not YAML"),
        ("devices:\n\tr1: {}\n", 2, "not YAML"),
        ("devices: {r1: {}}\n", 1, "`host` is missing"),
        ("a: &x 1\ndevices: *x\n", 2, "aliases (*x) cannot be used"),
        ("devices: !!python/object:os.system {}\n", 1, "tags (tag:yaml.org,2002:python"),
        ("devices: {}\n---\ndevices: {}\n", 2, "one document only"),
        ("devices:\n  ? [a]\n  : {host: h}\n", 2, "a key must be a word"),
        ("devices:\n  r1: {host: -x.example.net}\n", 2, "neither a host name"),
        ("devices:\n  r1: {host: [h]}\n", 2, "neither a host name"),
        ("devices:\n  r1: {host: h, port: 0x16}\n", 2, "from 1 to 65535"),
        ("devices:\n  r1: {host: h, platform: nxos}\n", 2, "platform: must be ios"),
        ("devices:\n  r1: {host: h, algorithms: mdoern}\n", 2, "did you mean `modern`?"),
        ("devices:\n  r1: {host: h, window: 0}\n", 2, "must be a number from 1 to 1000"),
        ("devices:\n  r1: {host: h, fallback: yes}\n", 2, "must be reverse or refuse"),
        ("devices:\n  r1: {host: h, groups: g}\n", 2, "must be a list"),
        ("devices:\n  r1: {host: h, groups: [g, g]}\n", 2, "listed twice"),
        ("devices:\n  r1: {host: h, configs: [../../etc/passwd.cfg]}\n", 2, "files below configs/"),
        ("devices:\n  r1: {host: h, configs: [/etc/a.cfg]}\n", 2, "files below configs/"),
        ("devices:\n  r1: {host: h, configs: [a.txt]}\n", 2, "files below configs/"),
        ("devices:\n  r1: {host: h, vars: {a-b: 1}}\n", 2, "is not a variable name"),
        ("devices:\n  r1: {host: h, vars: {name: x}}\n", 2, "is given by CatNet"),
        ("devices:\n  r1: {host: h, vars: {a: yes}}\n", 2, "`yes` is read in two ways"),
        ("devices:\n  r1: {host: h, vars: {a: 010}}\n", 2, "`010` is read in two ways"),
        ("devices:\n  r1: {host: h, vars: {a: [{b: 10:30}]}}\n", 2, "`10:30` is read in two ways"),
        ("devices:\n  r1: {host: h, credential: ''}\n", 2, "credential: must be a name"),
        ("devices:\n  r1: {host: h}\n  R1: {host: i}\n", 3, "differ in case only"),
        ("devices:\n  r1: {host: h}\n  r2: {host: H.}\n", 3, "the same host and port"),
        ("devices:\n  r9: {host: h}\n", 2, "no file configs/r9.cfg, did you mean `configs/r1.cfg`"),
        ("devices:\n  r1: {host: h, vars: " + "[" * 40 + "]" * 40 + "}\n", 2, "nested too deeply"),
    ],
)
def test_an_inventory_is_read_strictly(inventory: str, line: int, words: str) -> None:
    found = snapshot(inventory, r1="hostname r1\n")
    assert not found.desired
    places = [(one.file, one.line) for one in found.problems if words in one.message]
    assert places == [("inventory.yaml", line)], [str(one) for one in found.problems]


@pytest.mark.parametrize("opener", ["[", "{a: ", "- ", "? "])
def test_no_depth_of_nesting_breaks_the_reader(opener: str) -> None:
    found = build({"inventory.yaml": (opener * 100_000).encode()}, REVISION)
    assert len(found.problems) >= 1


def test_a_repository_without_inventory_is_a_problem_and_not_an_empty_network() -> None:
    assert [str(one) for one in build({}, REVISION).problems] == [
        "inventory.yaml: is not there; it lists the devices"
    ]


@pytest.mark.parametrize(
    ("config", "place", "words"),
    [
        (b"hostname r1\n\xff\n", "configs/r1.cfg:2", "byte 0xff is not UTF-8"),
        (b"hostname r1\nx \x00 y\n", "configs/r1.cfg:2", "control character 0x00"),
        (b"hostname r1\nx \r y\n", "configs/r1.cfg:2", "control character 0x0d"),
        ("hostname r1\nx \u2028 y\n".encode(), "configs/r1.cfg:2", "control character 0x2028"),
        ("hostname r1\nx \u202e y\n".encode(), "configs/r1.cfg:2", "control character 0x202e"),
        (b"hostname r1\nbanner motd ^C\nfor ever\n", "configs/r1.cfg:2", "never closed"),
        (b"", "inventory.yaml:2", "its configuration is empty"),
        (b"!\n! nothing\nend\n", "inventory.yaml:2", "its configuration is empty"),
        (b"ntp server 192.0.2.9\n", "inventory.yaml:2", "has a `hostname` line"),
        (b'hostname r1\nx {{ secert("a") }}\n', "configs/r1.cfg:2", "templates end in .j2"),
        (b"hostname r1\n{% if a %}\n", "configs/r1.cfg:2", "templates end in .j2"),
        (b"hostname r1\nx {{ secret( }\n", "configs/r1.cfg:2", "templates end in .j2"),
        (b"x" * (desired.MAX_BYTES + 1), "configs/r1.cfg", "has at most"),
    ],
)
def test_a_configuration_is_read_strictly(config: bytes, place: str, words: str) -> None:
    found = build({"inventory.yaml": ONE.encode(), "configs/r1.cfg": config}, REVISION)
    assert not found.desired
    assert any(
        str(one).startswith(f"{place}: ") and words in one.message for one in found.problems
    ), [str(one) for one in found.problems]


def test_a_copied_file_is_found_by_its_hostname() -> None:
    assert problems(
        "devices:\n  r1: {host: h1}\n  r2: {host: h2}\n",
        r1="hostname r1\n",
        r2="!\nhostname R1\n",
    ) == ["configs/r2.cfg:2: `hostname R1` is that of device r1 as well (configs/r1.cfg:1)"]


def test_a_template_that_fails_names_the_line_and_the_devices() -> None:
    assert problems(
        "defaults: {configs: [ntp.j2], vars: {ntp_servers: [a]}}\n"
        "devices: {r1: {host: h1}, r2: {host: h2}, r3: {host: h3}, r4: {host: h4}}\n",
        ntp_j2="{# x #}\n{% for s in ntp_server %}\nntp server {{ s }}\n{% endfor %}\n",
        **{f"r{number}": f"hostname r{number}\n" for number in range(1, 5)},
    ) == [
        (
            "configs/ntp.j2:2: template: `ntp_server` is not defined, did you mean `ntp_servers`? "
            "(device r1, r2, r3 and 1 more)"
        )
    ]


def test_problems_of_a_rendered_piece_name_the_line_of_the_template() -> None:
    (found,) = problems(
        "devices: {r1: {host: h1, configs: [a.j2]}}\n",
        a_j2="{# one #}\nhostname r1\n{% if true %}\nbanner motd ^C\n{% endif %}\nhello\n",
    )
    assert found.startswith("configs/a.j2:4: ")
    assert "never closed" in found


def test_a_flood_of_problems_is_cut() -> None:
    lines = "".join(f"  r{number}: {{}}\n" for number in range(2000))
    found = problems(f"devices:\n{lines}")
    assert len(found) == desired.MAX_PROBLEMS + 1
    assert found[-1].endswith("more problems")


# --- whatever comes ------------------------------------------------------------------------------

_words = st.sampled_from(
    [
        *("devices", "defaults", "groups", "host", "r1", "vars", "configs", "yes", "12"),
        *("[", "]", "{", "}", ": ", "- ", "\n", "  ", "&a", "*a", "!!set", "|", "'", '"'),
        *("#", "?", "\t", "%", ","),
    ]
)


@given(inventory=st.lists(_words, max_size=40).map("".join), config=st.binary(max_size=200))
def test_nothing_that_is_written_breaks_it(inventory: str, config: bytes) -> None:
    files: Mapping[str, bytes] = {
        "inventory.yaml": inventory.encode(),
        "configs/r1.cfg": config,
        "configs/a.j2": config,
    }
    found = build(files, REVISION)
    assert bool(found.problems) != bool(found.desired)
    assert build(files, REVISION) == found


@given(
    st.text(max_size=200).map(lambda body: f"hostname r1\n{body}".encode()),
    st.sampled_from(["r1.cfg", "r1.j2"]),
)
def test_origins_always_match_the_lines(config: bytes, name: str) -> None:
    inventory = f"devices: {{r1: {{host: h, configs: [{name}]}}}}\n".encode()
    found = build({"inventory.yaml": inventory, f"configs/{name}": config}, REVISION)
    for one in found.desired.values():
        assert len(one.origins) == one.text.count("\n") == len(one.text.splitlines())
        assert one.text.endswith("\n")
