package recurse

// learnRanges keeps the proofs of a secure denial for other questions (RFC
// 8198).
func (j *job) learnRanges(f *fact) {}

// proven is the denial that proofs already known make of a question, nil if
// they make none.
func (j *job) proven(name string, qtype uint16) *fact { return nil }
