"""The peers at the work of the benches, each as its own documentation has it.

Lines go to the second device: what they leave there is no matter of ours on the first.

Imported by name inside: a peer is an extra, and types are checked without it.
"""

import asyncio
import importlib
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncssh

from catnet_controller.app import machine
from tests.bench.rack import PASSWORD, USER, Target
from tests.bench.trial import Meter, measured, scratch

_COMMAND = "show running-config"


# --- bare asyncssh: the limit -------------------------------------------------------------------


def _options(target: Target) -> dict[str, Any]:
    key = asyncssh.import_public_key(target.known_hosts.split(" ", 1)[1])
    return {"known_hosts": ([key], [], []), "server_host_key_algs": ["ssh-ed25519"]}


def _base() -> asyncssh.SSHClientConnectionOptions:
    """The cheapest algorithms, and built once."""
    return asyncssh.SSHClientConnectionOptions(
        username=USER,
        password=PASSWORD,
        client_keys=None,
        agent_path=None,
        config=None,
        known_hosts=None,
        kex_algs=["curve25519-sha256"],
        encryption_algs=["aes128-gcm@openssh.com"],
        compression_algs=["none"],
        preferred_auth=("password",),
    )


async def _until(process: Any, end: bytes, count: int = 1) -> bytes:
    """Everything up to the so-manieth occurrence of ``end``, at the end of what came."""
    seen = b""
    found = 0
    while found < count:
        data = await process.stdout.read(65536)
        if not data:
            raise EOFError
        seen += data
        found = seen.count(end)
    return seen


async def _spread(
    targets: Sequence[Target],
    concurrency: int,
    work: Callable[[Target, Meter], Awaitable[None]],
    *,
    warm: bool = True,
) -> Meter:
    free = asyncio.Semaphore(concurrency)
    if warm:
        await work(targets[0], Meter())

    async def one(target: Target) -> None:
        async with free:
            try:
                await work(target, meter)
            except Exception:  # noqa: BLE001 - whatever it was, it counts
                meter.failures += 1

    with measured() as meter:
        async with asyncio.TaskGroup() as group:
            for target in targets:
                group.create_task(one(target))
    return meter


def bare_backup(targets: Sequence[Target], concurrency: int) -> Meter:
    return machine.run(_bare_backup(targets, concurrency))


async def _bare_backup(targets: Sequence[Target], concurrency: int) -> Meter:
    with scratch() as folder:
        base = _base()

        async def one(target: Target, _: Meter) -> None:
            async with asyncssh.connect(
                target.host, target.port, options=base, **_options(target)
            ) as connection:
                process = await connection.create_process(term_type="vt100", encoding=None)
                end = f"\r\n{target.name}#".encode()
                await _until(process, end)
                process.stdin.write(b"terminal length 0\n")
                await _until(process, end)
                process.stdin.write(f"{_COMMAND}\n".encode())
                text = await _until(process, end)
                assert b"\r\nend\r\n" in text
                (Path(folder) / target.name).write_bytes(text)

        return await _spread(targets, concurrency, one)


def bare_lines(targets: Sequence[Target], typed: Sequence[str]) -> Meter:
    """All lines in one write, prompts counted: no line has an answer of its own."""
    return machine.run(_bare_lines(targets[1], typed))


async def _bare_lines(target: Target, typed: Sequence[str]) -> Meter:
    async with asyncssh.connect(
        target.host, target.port, options=_base(), **_options(target)
    ) as connection:
        process = await connection.create_process(term_type="vt100", encoding=None)
        end = f"\r\n{target.name}".encode()
        await _until(process, end)
        with measured() as meter:
            text = "\n".join(["configure terminal", *typed, "end", ""])
            process.stdin.write(text.encode())
            await _until(process, f"\r\n{target.name}#".encode())
    return meter


def bare_sessions(targets: Sequence[Target], concurrency: int) -> Meter:
    return machine.run(_bare_sessions(targets, concurrency))


async def _bare_sessions(targets: Sequence[Target], concurrency: int) -> Meter:
    base = _base()
    held: list[tuple[Any, Any]] = []
    files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not walked

    async def one(target: Target, meter: Meter) -> None:
        connection = await asyncssh.connect(
            target.host, target.port, options=base, **_options(target)
        )
        process = await connection.create_process(term_type="vt100", encoding=None)
        held.append((connection, process))
        await _until(process, f"\r\n{target.name}#".encode())
        meter.files = len(os.listdir("/proc/self/fd")) - files  # noqa: PTH208
        meter.threads = threading.active_count()

    meter = await _spread(targets, concurrency, one, warm=False)
    for connection, _ in held:
        connection.abort()
    return meter


# --- Scrapli's own driver, as it comes ----------------------------------------------------------


def _scrapli(target: Target) -> Any:
    core = importlib.import_module("scrapli.driver.core")
    return core.AsyncIOSXEDriver(
        host=target.host,
        port=target.port,
        auth_username=USER,
        auth_password=PASSWORD,
        auth_strict_key=False,
        transport="asyncssh",
        timeout_socket=60,
        timeout_transport=60,
        timeout_ops=60,
    )


def scrapli_backup(targets: Sequence[Target], concurrency: int) -> Meter:
    return machine.run(_scrapli_backup(targets, concurrency))


async def _scrapli_backup(targets: Sequence[Target], concurrency: int) -> Meter:
    with scratch() as folder:

        async def one(target: Target, _: Meter) -> None:
            async with _scrapli(target) as session:
                answer = await session.send_command(_COMMAND)
                assert answer.result.rstrip().endswith("end")
                (Path(folder) / target.name).write_text(answer.result)

        return await _spread(targets, concurrency, one)


def scrapli_lines(targets: Sequence[Target], typed: Sequence[str]) -> Meter:
    return machine.run(_scrapli_lines(targets[1], typed))


async def _scrapli_lines(target: Target, typed: Sequence[str]) -> Meter:
    async with _scrapli(target) as session:
        with measured() as meter:
            answers = await session.send_configs(list(typed))
            await session.acquire_priv("privilege_exec")
        meter.failures = sum(answer.failed for answer in answers)
    return meter


# --- threads: netmiko, nornir, NAPALM -----------------------------------------------------------


def _netmiko(target: Target) -> Any:
    return importlib.import_module("netmiko").ConnectHandler(
        device_type="cisco_ios",
        host=target.host,
        port=target.port,
        username=USER,
        password=PASSWORD,
        conn_timeout=60,
        banner_timeout=60,
        auth_timeout=60,
    )


def _threaded(
    targets: Sequence[Target], threads: int, work: Callable[[Target, Path], None]
) -> Meter:
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)

    def one(target: Target) -> bool:
        try:
            work(target, Path(folder))
        except Exception:  # noqa: BLE001 - whatever it was, it counts
            return False
        return True

    with scratch() as folder, ThreadPoolExecutor(threads) as pool:
        one(targets[0])
        with measured() as meter:
            done = list(pool.map(one, targets))
        meter.failures = done.count(False)
    return meter


def netmiko_backup(targets: Sequence[Target], _: int) -> Meter:
    """50 threads."""
    importlib.import_module("netmiko")

    def one(target: Target, folder: Path) -> None:
        with _netmiko(target) as session:
            text = session.send_command(_COMMAND, read_timeout=60)
        assert text.rstrip().endswith("end")
        (folder / target.name).write_text(text)

    return _threaded(targets, 50, one)


def netmiko_lines(targets: Sequence[Target], typed: Sequence[str]) -> Meter:
    with _netmiko(targets[1]) as session, measured() as meter:
        text = session.send_config_set(list(typed), read_timeout=120)
    meter.failures = text.count("% ")
    return meter


def netmiko_change(targets: Sequence[Target], typed: Sequence[str]) -> Meter:
    """Connect, lines, save: no backup, no timer, no proof."""
    importlib.import_module("netmiko")
    with measured() as meter, _netmiko(targets[1]) as session:
        text = session.send_config_set(list(typed), read_timeout=120)
        session.save_config()
    meter.failures = text.count("% ")
    return meter


def napalm_backup(targets: Sequence[Target], _: int) -> Meter:
    """50 threads."""
    driver = importlib.import_module("napalm").get_network_driver("ios")

    def one(target: Target, folder: Path) -> None:
        options = {"port": target.port, "conn_timeout": 60}
        with driver(target.host, USER, PASSWORD, timeout=60, optional_args=options) as session:
            text = session.get_config(retrieve="running")["running"]
        assert text.rstrip().endswith("end")
        (folder / target.name).write_text(text)

    return _threaded(targets, 50, one)


def _nornir(targets: Sequence[Target]) -> Any:
    core = importlib.import_module("nornir.core")
    inventory = importlib.import_module("nornir.core.inventory")
    plugins = importlib.import_module("nornir.core.plugins.connections")
    plugins.ConnectionPluginRegister.register(
        "netmiko", importlib.import_module("nornir_netmiko.connections").Netmiko
    )
    runners = importlib.import_module("nornir.plugins.runners")
    logging.getLogger("nornir").setLevel(logging.CRITICAL)
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    extras = {"conn_timeout": 60, "banner_timeout": 60, "auth_timeout": 60}
    hosts = inventory.Hosts(
        {
            target.name: inventory.Host(
                name=target.name,
                hostname=target.host,
                port=target.port,
                username=USER,
                password=PASSWORD,
                platform="cisco_ios",
                connection_options={
                    "netmiko": inventory.ConnectionOptions(extras=extras),
                },
            )
            for target in targets
        }
    )
    return core.Nornir(
        inventory=inventory.Inventory(hosts=hosts),
        runner=runners.ThreadedRunner(num_workers=20),
    )


def nornir_backup(targets: Sequence[Target], _: int) -> Meter:
    """20 workers, its default."""
    tasks = importlib.import_module("nornir_netmiko")
    with scratch() as folder:
        nornir = _nornir(targets)

        def one(task: Any) -> None:
            answer = task.run(tasks.netmiko_send_command, command_string=_COMMAND, read_timeout=60)
            assert answer.result.rstrip().endswith("end")
            (Path(folder) / task.host.name).write_text(answer.result)
            task.host.close_connections()

        nornir.filter(name=targets[0].name).run(one)
        with measured() as meter:
            results = nornir.run(one)
        meter.failures = len(results.failed_hosts)
    return meter


def nornir_lines(targets: Sequence[Target], typed: Sequence[str]) -> Meter:
    tasks = importlib.import_module("nornir_netmiko")
    nornir = _nornir(targets[1:2])
    with nornir:
        nornir.run(tasks.netmiko_send_command, command_string="show privilege")
        with measured() as meter:
            results = nornir.run(
                tasks.netmiko_send_config, config_commands=list(typed), read_timeout=120
            )
        text = results[targets[1].name][0].result
        meter.failures = text.count("% ") if isinstance(text, str) else 1
    return meter
