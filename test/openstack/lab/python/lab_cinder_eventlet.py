"""The eventlet server of /usr/bin/cinder-api as a legacy Cinder; takes cinder-api's arguments."""

import os
import sys

from cinder.cmd.api import main  # patches the standard library: before anything else

from cinder import objects

objects.register_all()

from lab_legacy import forget_the_fix  # noqa: E402

from lab_prefix import serve_below_prefix  # noqa: E402

serve_below_prefix()
forget_the_fix(os.environ["LAB_VERDICTS"])
sys.exit(main())
