"""Spool → Kafka, in one thread: the oldest file first, and nothing is forgotten before the cluster has it.

Passing trouble waits inside the client. When the client is over, a new one gets everything again that has no
outcome. When a record is refused, the lines around it are sent one by one until it is found.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from polly.errors import BusError, BusMisconfigured
from polly.events.transfer import Batch, DeadLetter
from polly.kafka.faults import Fault
from polly.kafka.producer import Failure
from polly.sink import drain
from polly.sink.relay.claim import claimed
from polly.sink.relay.letters import Keep, LetterBox
from polly.sink.relay.outgoing import Addressing
from polly.sink.relay.sending import OF_THE_RECORD, Halted, Publisher, Sender
from polly.sink.relay.snapshot import Bookkeeping
from polly.sink.relay.spool_file import Chunk, SpoolFile, remove_orphans
from polly.sink.session_file import forget_old_sessions
from polly.sink.spool import producer_is_alive, spool_files
from polly.sink.straggling import bring_home

#: How long the relay rests when nothing is new, and so how late an event leaves at most.
_REST_SECONDS = 0.15
#: How often a quiet file's producer is asked whether it has ended.
_LOOK_SECONDS = 2.0
#: How often outcomes are looked at while events flow.
_SETTLE_SECONDS = 0.05
#: How often they are written down while events flow, and when nothing is on its way: a disk is slow.
_SAVE_SECONDS, _IDLE_SAVE_SECONDS = 2.0, 0.5
#: How often is said what was done.
_SAY_SECONDS = 10.0
#: Waiting after trouble that the client does not heal by itself: at first, at most.
_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS = 0.5, 30.0
#: How many lines are handed over before outcomes are heard.
_LINES_PER_LOOK = 500
#: After so many clients that ended without getting anywhere, lines are sent one by one.
_MOST_CLIENTS = 3


class RelayResult(NamedTuple):
    """What a relay did. waiting: files with something in them that is not in Kafka."""

    published: int
    dead_letters: int
    files_deleted: int
    waiting: int


class Relay:
    """One relay of one spool.

    connect(gapless): a publisher that has reached the cluster; raises BusError.
    say: takes a sentence for a person.
    keep: puts dead letters into the table where people look; None: they are in their topics alone.
    """

    def __init__(
        self,
        folder: Path,
        addressing: Addressing,
        connect: Callable[[bool], Publisher],
        say: Callable[[str], None],
        keep: Keep | None = None,
    ) -> None:
        self._folder = folder
        self._letters = LetterBox(folder, keep, say) if keep is not None else None
        self._addressing = addressing
        self._connect = connect
        self._say = say
        self._books = Bookkeeping(folder)
        self._files: dict[str, SpoolFile] = {}
        self._busy: dict[str, SpoolFile] = {}
        self._publisher: Publisher | None = None
        self._is_gapless = True
        self._was_connected = False
        self._is_stopping = False
        self._until_empty = False
        self._clients_in_a_row = 0
        self._next_settle = self._last_save = self._next_say = 0.0
        self._told = (0, 0, 0)
        self._last_progress = time.monotonic()

    def stop(self) -> None:
        """Finish what is on its way, and end. A signal handler may call it."""
        # A plain flag: a lock that the interrupted code may hold must not be waited for here.
        self._is_stopping = True

    def run(self, *, until_empty: bool, patience_seconds: float, flush_seconds: float) -> RelayResult:
        """Relay until `stop`, or until nothing is left.

        patience_seconds: only with until_empty; after so long without getting anywhere it is a BusError.
        Raises PollyError when somebody else works on the spool, BusMisconfigured when the first connection
        shows that trying again is of no use, OSError of the disk.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._until_empty = until_empty
        with claimed(self._folder):
            self._books.begin()
            self._books.save()
            remove_orphans(self._folder)
            bring_home(self._folder)
            forget_old_sessions(str(self._folder))
            self._bring_letters_home()
            try:
                while not self._is_stopping:
                    if self._turn(patience_seconds):
                        break
            finally:
                self._finish(flush_seconds)
            return self._result()

    def _turn(self, patience_seconds: float) -> bool:
        """One look at everything; True when it was the last one."""
        try:
            publisher = self._ready()
            has_sent = self._sweep(publisher)
            is_idle = not has_sent and not any(file.chunks for file in self._busy.values())
            self._report(is_idle=is_idle)
            if not (is_idle and self._until_empty):
                publisher.serve(0 if has_sent else _REST_SECONDS)
                self._next_settle = 0.0
                self._settle()
        except Halted as halted:
            self._start_again(halted.failure)
            has_sent = True
        except BusError as error:
            if isinstance(error, BusMisconfigured) and not self._was_connected:
                raise
            self._has_trouble(error.what)
            self._rest_after_trouble()
            has_sent = True
        if self._until_empty and time.monotonic() - self._last_progress > patience_seconds:
            raise BusError(
                f"Kafka has taken nothing for {patience_seconds:g} seconds: {self._reason()}",
                next_step="Nothing is lost: the events wait in the spool. Try again when the cluster is up.",
            )
        return self._until_empty and not has_sent and not self._busy

    def _ready(self) -> Publisher:
        """The publisher: gapless, but while a bad record is looked for."""
        is_gapless = not self._must_be_careful()
        if self._publisher is not None and is_gapless != self._is_gapless:
            self._close()
        if self._publisher is None:
            self._publisher = self._connect(is_gapless)
            self._is_gapless, self._was_connected = is_gapless, True
        return self._publisher

    def _must_be_careful(self) -> bool:
        return any(file.is_careful for file in self._busy.values())

    def _sweep(self, publisher: Publisher) -> bool:
        """Send what is new, the oldest file first; True when there was any."""
        found = spool_files(self._folder)
        sender = Sender(self._folder, publisher, breathe=self._breathe, buried=self._buried)
        has_sent = False
        for path in found:
            try:
                if path.name not in self._files:
                    self._files[path.name] = SpoolFile(path)
                has_sent |= self._send_new(self._files[path.name], sender)
            except FileNotFoundError:  # somebody has deleted it
                self._files.pop(path.name, None)
                self._busy.pop(path.name, None)
            if self._is_gapless is self._must_be_careful():
                return True  # to go on with the other kind of publisher
        return has_sent

    def _send_new(self, file: SpoolFile, sender: Sender) -> bool:
        size, now = file.path.stat().st_size, time.monotonic()
        is_known = size == file.seen_bytes and (now < file.next_look and not self._until_empty)
        if file.is_finished or is_known:
            return False
        file.next_look = now + _LOOK_SECONDS
        # Asked before reading: whoever is dead now has written all that there is.
        is_complete = not producer_is_alive(file.path.parent, file.producer)
        file.seen_bytes = size
        has_sent = False
        for batch in drain.batches(file.path, file.stream, file.sent, is_complete=is_complete):
            has_sent = True
            self._addressing.look_at_clock()
            self._busy[file.path.name] = file
            if not file.is_careful:
                self._send(file, batch, sender)
            elif self._search(file, batch, sender):
                file.look_again()
                return True
        file.is_finished = is_complete
        if is_complete:
            self._busy[file.path.name] = file  # to be deleted when it has settled
        return has_sent

    def _send(self, file: SpoolFile, batch: Batch, sender: Sender) -> None:
        chunk = Chunk(batch.end)
        file.chunks.append(chunk)
        outgoing, stream = self._addressing.outgoing, file.stream
        for number, record in enumerate(batch.records, start=1):
            sender.queue(file, record.position, outgoing(stream, record), chunk)
            if number % _LINES_PER_LOOK == 0:
                self._breathe()
        chunk.is_whole = True
        file.sent = batch.end
        self._breathe()

    def _search(self, file: SpoolFile, batch: Batch, sender: Sender) -> bool:
        """Each line is in Kafka before the next one is sent, so that a bad one is found and passed by.

        True when the part of the file is done in which it had to be.
        """
        ends = [record.position for record in batch.records[1:]] + [batch.end]
        for record, end in zip(batch.records, ends, strict=True):
            chunk = Chunk(end)
            file.chunks.append(chunk)
            sender.send_alone(file, record.position, self._addressing.outgoing(file.stream, record), chunk)
            chunk.is_whole = True
            file.sent = end
            self._breathe()
        file.sent = batch.end
        return not file.is_careful

    def _breathe(self) -> None:
        """What has to go on while lines are handed over. Raises Halted."""
        publisher = self._publisher
        if publisher is not None:
            publisher.serve(0)
            self._settle()
            self._report()
        if self._is_stopping:
            raise Halted(None)

    def _settle(self) -> None:
        """Move on over what the cluster has. Raises Halted when something failed."""
        over = self._publisher.over if self._publisher is not None else None
        now = time.monotonic()
        if now < self._next_settle and over is None:
            return
        self._next_settle = now + _SETTLE_SECONDS
        failed: Failure | None = None
        for file in list(self._busy.values()):
            for chunk in file.settle():
                self._books.take(chunk)
                self._has_progress()
            failed = failed or next((c.group.failures[0] for c in file.chunks if c.group.has_failed), None)
        if failed or over:
            raise Halted(failed or over)

    def _start_again(self, failure: Failure | None) -> None:
        """What has no outcome is sent again, by a new client: after a while, or with more care."""
        if failure is None:
            return
        is_of_a_record = False
        for file in self._busy.values():
            for chunk in file.chunks:
                if any(each.fault in OF_THE_RECORD for each in chunk.group.failures):
                    file.careful_until = max(file.careful_until, chunk.end)
                    is_of_a_record = True
        if failure.fault is Fault.CLIENT_OVER and self._clients_in_a_row >= _MOST_CLIENTS:
            for file in self._busy.values():
                file.careful_until = max([file.careful_until, *(chunk.end for chunk in file.chunks[:1])])
        self._close()
        if not is_of_a_record:
            self._has_trouble(failure.reason)
            self._rest_after_trouble()

    def _close(self) -> None:
        """End the client; what has no outcome will be sent again."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.close()
        for file in self._busy.values():
            for chunk in file.settle():
                self._books.take(chunk)
            file.go_back()

    def _has_progress(self) -> None:
        self._last_progress = time.monotonic()
        self._clients_in_a_row = 0
        if self._publisher is not None:
            self._publisher.forget_complaint()
        if self._books.trouble is not None:
            self._books.trouble, self._books.state = None, "working"
            self._say("Events go out again.")

    def _has_trouble(self, reason: str) -> None:
        is_new = self._books.trouble is None
        self._books.trouble, self._books.state = reason, "waiting for Kafka"
        if is_new:
            self._say(f"No events go out now: {reason}. They wait in the spool; trying again.")
            self._books.save()

    def _rest_after_trouble(self) -> None:
        delay = min(_FIRST_DELAY_SECONDS * 2**self._clients_in_a_row, _LONGEST_DELAY_SECONDS)
        self._clients_in_a_row += 1
        self._report()
        deadline = time.monotonic() + delay
        while not self._is_stopping and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _REST_SECONDS))

    def _reason(self) -> str:
        complaint = self._publisher.complaint if self._publisher is not None else None
        return self._books.trouble or complaint or "it does not acknowledge what is sent"

    def _buried(self, file: SpoolFile, letter: DeadLetter) -> None:
        if letter.stage != "decode":  # lines cut by kill -9 are only counted
            position, reason = letter.record.position, letter.reason
            self._say(f"Dead letter: the line at byte {position} of {file.path.name}: {reason}.")
        if self._letters is not None:
            self._letters.put(letter)

    def _report(self, *, is_idle: bool = False) -> None:
        """Write down, and say, what changed; both only now and then."""
        now = time.monotonic()
        pause = _SAVE_SECONDS if not is_idle else 0.0 if self._until_empty else _IDLE_SAVE_SECONDS
        if self._busy and now - self._last_save >= pause:
            self._last_save = now
            self._look_for_silence()
            self._save()
            self._bring_letters_home()
        if now >= self._next_say and self._tell():
            self._next_say = now + _SAY_SECONDS

    def _look_for_silence(self) -> None:
        """The client waits by itself while the cluster is away; a person wants to know."""
        complaint = self._publisher.complaint if self._publisher is not None else None
        is_waiting = any(file.chunks for file in self._busy.values())
        if complaint and is_waiting and time.monotonic() - self._last_progress > 2 * _LOOK_SECONDS:
            self._has_trouble(complaint)

    def _save(self) -> None:
        """Counts first: a file that is gone must have been counted."""
        self._books.save()
        for name, file in list(self._busy.items()):
            if file.is_finished and not file.chunks:
                file.delete()
                self._books.files_deleted += 1
                del self._busy[name], self._files[name]
                continue
            file.save()
            if not file.chunks:
                del self._busy[name]

    def _tell(self) -> bool:
        """Say what was done since the last time, if anything was."""
        books = self._books
        done = (books.published, books.dead_letters, books.files_deleted)
        if done == self._told:
            return False
        events, letters, files = (now - before for now, before in zip(done, self._told, strict=True))
        self._told = done
        self._say(f"{events:,} events published, {letters:,} dead letters, {files:,} files emptied.")
        return True

    def _finish(self, flush_seconds: float) -> None:
        if self._publisher is not None:
            self._publisher.flush(flush_seconds)
        self._close()
        self._books.state = "stopped"
        self._save()
        self._bring_letters_home()
        self._tell()

    def _bring_letters_home(self) -> None:
        if self._letters is not None:
            self._letters.bring_home()

    def _result(self) -> RelayResult:
        books = self._books
        waiting = sum(file.has_more for file in self._files.values())
        return RelayResult(books.published, books.dead_letters, books.files_deleted, waiting)
