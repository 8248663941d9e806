"""Shifts the clock of every Python process that has this folder on its path: the tests', and each that they start.

``HOURS_SHIFT`` says by how many seconds. Wall clocks alone are shifted; what measures how long something takes is not.
"""

from __future__ import annotations

import os
import time

if shift := int(os.environ.get("HOURS_SHIFT", "0")):
    import time_machine

    time_machine.travel(time.time() + shift, tick=True).start()
