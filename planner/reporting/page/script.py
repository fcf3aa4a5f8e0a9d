"""The script that draws the charts: Vega, Vega-Lite and Vega-Embed as one text, from vl-convert, without a network."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from planner.errors import PlannerError

VEGA_LITE = "6.4"
"""Version of Vega-Lite that draws: that of Altair 6.3."""
_MAKE = (
    "import sys, vl_convert; "
    f"sys.stdout.buffer.write(vl_convert.javascript_bundle(vl_version={VEGA_LITE!r}).encode())"
)


@dataclass(frozen=True)
class Script:
    """A script that is being put together by a process of its own."""

    process: subprocess.Popen[bytes]

    def text(self) -> str:
        """The script, once it is done, as it can stand within a page: nothing in it ends the element that holds it."""
        written, complaint = self.process.communicate()
        if self.process.returncode:
            raise PlannerError(
                f"the charts' script could not be put together ({complaint.decode(errors='replace').strip()[-300:]}); "
                "install vl-convert-python anew"
            )
        return written.decode().replace("</script", "<\\/script").replace("<!--", "<\\!--")

    def stop(self) -> None:
        """End the process where it still runs: nobody waits for the script any more."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def begin_script() -> Script:
    """Begin to put the script together: it takes more than a second, holds the interpreter's lock, and needs nothing of
    the run."""
    return Script(subprocess.Popen([sys.executable, "-I", "-c", _MAKE], stdout=subprocess.PIPE, stderr=subprocess.PIPE))
