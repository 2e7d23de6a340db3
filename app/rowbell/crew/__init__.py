"""Several worker processes under one command.

crew: starts them, and another for one that dies · member: one of them, as the crew sees it
· orders: what the crew tells a member, as the member hears it
"""

from rowbell.crew.crew import Crew
from rowbell.crew.orders import Orders

__all__ = ["Crew", "Orders"]
