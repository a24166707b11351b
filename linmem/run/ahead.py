"""Cases that are posted to a runtime before their turn comes.

Most of the cost of a small scenario is that two processes wait for each other. So a runtime's next cases are posted
many at a time, and their answers are taken in when their turn comes. Answers come in the order of the requests. If the
process is lost, the case whose answer was due is the one that lost it; those behind it are forgotten, and posted again
to the next process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from linmem.play.player import Player
from linmem.run.planned import Planned
from linmem.run.session import Session

SIZE = 32  # cases that are posted at most
LOW = 16  # at which others are posted
LOOK = 64  # cases ahead of which it is known what they cost
SPARES = 2  # processes that are at hand at most, before cases that will cost theirs


class Window:
    """The cases of one runtime that are posted ahead.

    ``alone`` says of a case that it can't be among them, ``costly`` that its process will be given up, ``absent`` that
    it is not played at all; ``make`` makes its player.
    """

    def __init__(
        self,
        session: Session,
        alone: Callable[[Planned], bool],
        costly: Callable[[Planned], bool],
        absent: Callable[[Planned], bool],
        make: Callable[[Planned], Player],
    ) -> None:
        self.session, self.make = session, make
        self.alone, self.costly, self.absent = alone, costly, absent
        self.coming: Sequence[Planned] = ()
        self.places: dict[int, int] = {}  # in `coming`, by the objects' ids
        self.block: int | None = None
        self.next = 0  # in `coming`: what is to be posted next
        self.looked = 0  # in `coming`: what was looked at for what it costs
        self.costs: deque[int] = deque()  # the places of cases that will cost their process
        self.begun: deque[tuple[Planned, Player]] = deque()
        self.process = 0  # the number of that which has them

    def expect(self, coming: Sequence[Planned], block: int | None = None) -> None:
        """The runtime's cases in the order in which they will be played, unless something interferes.

        With `block`, no more is known than that those of a block of so many will.
        """
        self.drop()
        self.coming, self.next, self.looked, self.block = coming, 0, 0, block
        self.costs.clear()
        self.places = {id(planned): place for place, planned in enumerate(coming)}

    def take(self, planned: Planned) -> Player | None:
        """The player that has posted a case whose turn has come; None where none has.

        If another case was to come first, the process is given up with all that was posted to it.
        """
        if self.process != self.session.processes:
            self.drop()
        if not self.begun:
            return None
        first, player = self.begun[0]
        if first is not planned:
            self.session.discard()
            self.drop()
            return None
        self.begun.popleft()
        return player

    def fill(self, planned: Planned) -> None:
        """Post what comes next, after a case has been played."""
        if self.process != self.session.processes:
            self.drop()
        self.have_spares(self.places.get(id(planned)))
        if not self.session.ready or len(self.begun) > LOW or (self.begun and not self.begun[-1][1].posted):
            return
        place = self.places.get(id(planned))
        if place is None:
            return
        if not self.begun:
            self.next = place + 1
        end = len(self.coming) if self.block is None else min((place // self.block + 1) * self.block, len(self.coming))
        self.process = self.session.processes
        while self.next < end and len(self.begun) < SIZE:
            following = self.coming[self.next]
            if self.absent(following):
                self.next += 1
                continue
            if self.costly(following) or self.alone(following) or not self.begin(following):
                break
            self.next += 1
            if not self.begun[-1][1].posted:
                break
        self.session.flush()

    def have_spares(self, place: int | None) -> None:
        """Have processes at hand for the cases behind that at `place` that will each cost one."""
        if place is None:
            return
        self.looked = max(self.looked, place + 1)
        while self.looked < min(place + LOOK, len(self.coming)):
            if self.costly(self.coming[self.looked]):
                self.costs.append(self.looked)
            self.looked += 1
        while self.costs and self.costs[0] <= place:
            self.costs.popleft()
        if self.costs:
            self.session.prepare(min(len(self.costs), SPARES))

    def begin(self, planned: Planned) -> bool:
        """Post a case; whether that went well."""
        try:
            player = self.make(planned)
        except Exception:  # it is reported when the case is played
            return False
        self.begun.append((planned, player))
        try:
            player.begin()
        except Exception:  # a defect of linmem's own, with a part of the case posted
            self.session.discard()
            self.drop()
            return False
        return True

    def drop(self) -> None:
        """Forget what was posted."""
        for _, player in self.begun:
            player.close()
        self.begun.clear()
