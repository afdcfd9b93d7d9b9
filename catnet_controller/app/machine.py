"""What the machine gives: its clock."""

import time

# Goes on while the machine is suspended, as do the clocks of those who wait for a lease to run out;
# only Linux has it.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's clock, as ports.Clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.clock_gettime(_STEADY)
