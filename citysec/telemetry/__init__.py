"""What machines of constituents report to have seen: bytes in several forms → observations. Pure.

Flat records stand for observed-data: an address, a name, a URL with its host, a mailbox, file hashes, and the traffic
between two addresses. So a pattern means the same whatever the form.
"""

from citysec.telemetry.reading import Form, read, recognised, stream
from citysec.telemetry.seen import Fact, Seen, as_written

__all__ = ["Fact", "Form", "Seen", "as_written", "read", "recognised", "stream"]
