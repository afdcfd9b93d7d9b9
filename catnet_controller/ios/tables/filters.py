"""Rows of what selects traffic and routes: access lists, maps, classes and policies."""

# ruff: noqa: E501  (a row is one line)

from catnet_controller.ios.rows import Row, table
from catnet_controller.ios.tables.books import cite

ROWS: tuple[Row, ...] = (
    table(
        "acl",
        cite,
        r"""
entry permit <...>
entry deny <...>
entry remark <...>
entry <#> <permit|deny|remark|evaluate|dynamic> <...>
entry sequence <#> <permit|deny|remark|evaluate> <...>
entry evaluate <...>
entry dynamic <...>
single <#> [...] ; no no {0}
single sequence <#> [...] ; no no sequence {0}
""",
    )
    + table(
        "object-group",
        cite,
        r"""
single description ...
list <...>
""",
    )
    + table(
        "community-list",
        cite,
        r"""
list <...>
""",
    )
    + table(
        "vlan-map",
        cite,
        r"""
single match <a> <b> ...
single action ...
""",
    )
    + table(
        "route-map",
        cite,
        r"""
single description ...
single match ip address prefix-list ... ; no full ; change add ; source IP Routing command reference, match: values of one line add up, any of them matches; without one the entry takes everything
single match ip address ... ; no full ; change add ; source IP Routing command reference, match: values of one line add up, any of them matches; without one the entry takes everything
single match ipv6 address prefix-list ... ; no full ; change add ; source IP Routing command reference, match: values of one line add up, any of them matches; without one the entry takes everything
single match ipv6 address ... ; no full ; change add ; source IP Routing command reference, match: values of one line add up, any of them matches; without one the entry takes everything
single match ip next-hop prefix-list ... ; no full ; change add ; source IP Routing command reference, match: values of one line add up, any of them matches; without one the entry takes everything
single match ip next-hop ... ; no full ; change add ; source IP Routing command reference, match: values of one line add up, any of them matches; without one the entry takes everything
single match ip route-source ... ; no full ; change add ; source IP Routing command reference, match: values of one line add up, any of them matches; without one the entry takes everything
single match <community|as-path|interface|tag|extcommunity|large-community|metric|local-preference> ... ; no full ; change add ; source IP Routing command reference, match: values of one line add up, any of them matches; without one the entry takes everything
single match <route-type|source-protocol|rpki> ... ; no full ; change remove ; source facts 9: the old line goes right before the new one
flag match <...>
single set ip next-hop ... ; no full ; change remove ; source facts 9: the old line goes right before the new one
single set ip default next-hop ... ; no full ; change remove ; source facts 9: the old line goes right before the new one
single set ipv6 next-hop ... ; no full ; change remove ; source facts 9: the old line goes right before the new one
single set <metric|local-preference|weight|tag|metric-type|origin|ip|interface|level|vrf|global> ... ; no full
single set community ... ; no full ; change remove ; source facts 9: the old line goes right before the new one
single set extcommunity <t> ... ; no full ; change remove ; source facts 9: the old line goes right before the new one
single set as-path prepend ... ; no full ; change remove ; source facts 9: the old line goes right before the new one
single set <...> ; no full
single continue [...]
""",
    )
    + table(
        "class-map",
        cite,
        r"""
single description ...
list match <...>
""",
    )
    + table(
        "policy-map",
        cite,
        r"""
single description ...
section class type <...> ; opens policy-class ; tags ordered
section class <n> ; opens policy-class ; tags ordered
section parameter-map <...> ; opens ?
""",
    )
    + table(
        "policy-class",
        cite,
        r"""
single priority level <n> ... ; no no priority level {0}
single priority [...]
single bandwidth remaining ... ; no full
single bandwidth ... ; no full
single shape <...> ; no full
section police ... ; opens police ; no no police
single set <dscp|cos|precedence|qos-group|discard-class|mpls> ... ; no full
single set ip <dscp|precedence> ... ; no full
single set <...> ; no full
single service-policy * ; no full ; change remove ; source cisco.ios (Ansible) issue 109: a policy is refused while another is attached; nothing is lost by removing first where it is not
single queue-limit ... ; no full
single queue-buffers ratio *
flag random-detect ; stage 49
single random-detect dscp-based
single random-detect <...> ; no full
single fair-queue [...]
single trust ...
single inspect [...]
flag pass
flag pass log
flag drop
flag drop log
single netflow-sampler *
list police-action <...>
single compression <...> ; no full
list estimate <...>
""",
    )
    + table(
        "police",
        cite,
        r"""
single conform-action ...
single exceed-action ...
single violate-action ...
""",
    )
    + table(
        "control-policy",
        cite,
        r"""
section event <e> <m> ; opens control-event ; tags ordered
""",
    )
    + table(
        "control-event",
        cite,
        r"""
section <n> class * * ; opens control-class ; no no {0}
""",
    )
    + table(
        "control-class",
        cite,
        r"""
single <n> ... ; no no {0}
""",
    )
    + table(
        "table-map",
        cite,
        r"""
single map from <n> to *
single default ...
""",
    )
    + table(
        "flow",
        cite,
        r"""
single description ...
list match <...>
list collect <...>
single destination ...
single source *
single transport ...
single export-protocol *
single template data timeout *
single dscp *
single ttl *
list option <...>
single record ...
list exporter <n>
single cache type ...
single cache entries *
single cache timeout <x> *
single statistics packet <x>
single mode ...
""",
    )
    + table(
        "zone-pair",
        cite,
        r"""
single description ...
single service-policy type inspect *
""",
    )
    + table("zone", cite, "single description ...")
    + table(
        "parameter-map",
        cite,
        r"""
flag <...>
""",
    )
    + table(
        "device-tracking",
        cite,
        r"""
single tracking ...
single limit address-count *
single security-level *
flag trusted-port
flag <...>
""",
    )
    + table(
        "service-template",
        cite,
        r"""
single description ...
single vlan *
flag voice vlan
single access-group *
single inactivity-timer ...
flag <...>
""",
    )
)
