package metrics

import "bailiff/metrics/journal"

// The metrics of the journal. They are never written to.
var (
	journalEntriesDesc = desc("journal_entries_total",
		"Entries written to the journal.")
	journalLostDesc = desc("journal_failures_total",
		"Entries of the journal that are lost: the disk failed for so long that there was no room for them.")
	journalErrorsDesc = desc("journal_write_errors_total",
		"Attempts to write the journal that failed, one a second while the disk fails.")
	journalLastDesc = desc("journal_last_write_timestamp_seconds",
		"When an entry was last written to the journal, in Unix time; 0: none was.")
	journalFailingDesc = desc("journal_failing",
		"1 if the journal could not be written at the last attempt.")
)

// collectJournal makes the series of the journal; without one they stay 0.
func collectJournal(s sink, stats journal.Stats) {
	s.counter(journalEntriesDesc, stats.Written)
	s.counter(journalLostDesc, stats.Lost)
	s.counter(journalErrorsDesc, stats.Failures)
	s.gauge(journalLastDesc, seconds(stats.LastWrite))
	s.gauge(journalFailingDesc, oneIf(stats.Failing))
}
