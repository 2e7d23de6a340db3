"""What a worker process does when its listener hears something."""

from rowbell.db.listener import Listener
from rowbell.engine.schedules import Schedules
from rowbell.engine.sweeper import Sweeper
from rowbell.engine.worker import Worker


def hear(listener: Listener, worker: Worker, sweeper: Sweeper, schedules: Schedules) -> None:
    """Let the services of the engine be told, and let the listener know what they need."""

    def ready() -> None:
        worker.dispatchers.look()
        sweeper.sweep_soon()
        schedules.ring()

    def on_duty() -> None:
        worker.dispatchers.look()
        sweeper.find_queues()
        schedules.ring()

    ears = listener.ears
    ears.bell = worker.dispatchers.bell
    ears.cancel = worker.cancel
    ears.stacks = worker.tell_stack
    ears.cancels = worker.see_cancels
    ears.schedules = schedules.ring
    ears.ready = ready
    ears.on_duty = on_duty
    listener.duty = worker.duty
    worker.mind_cancels = listener.mind_cancels
