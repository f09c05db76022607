package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/outfile"
)

// compiledStore keeps what was compiled below the state folder, so that a
// restart need read again only what changed since. It is a help and no more:
// what is missing, broken or of another program or configuration is compiled
// from the order files, as if there were nothing. A nil store keeps nothing.
type compiledStore struct {
	folder  string
	made    string // digest of the program and the settings that it compiles with
	options policy.Options
	log     *slog.Logger
}

// compiledIndex is the file that says which parts belong together.
type compiledIndex struct {
	Made   string // compiledStore.made of the writer
	Passed []byte // digest of the guard that let the orders pass
	Parts  []keptPart
	Set    json.RawMessage // see order.RestoreSet
}

type keptPart struct {
	ID   string
	Gone []int `json:",omitempty"` // see policy.Part.Gone
}

// The names of the files: a part is named by its id, in letters and digits.
const (
	compiledFolder = "compiled"
	indexFile      = "index"
	partSuffix     = ".part"
)

// newCompiledStore returns the store below the folder of cfg.state, which is
// there and this process's alone. Without that key it is nil.
func newCompiledStore(cfg *config, options policy.Options, log *slog.Logger) *compiledStore {
	if cfg.state == "" {
		return nil
	}
	made, err := madeBy(options)
	if err != nil {
		log.Warn("what is compiled is not kept: this program cannot read itself", "cause", err)
		return nil
	}
	return &compiledStore{folder: filepath.Join(cfg.state, compiledFolder), made: made, options: options, log: log}
}

// madeBy is a digest of all that compiling depends on beside the orders: the
// program, whose next version may lay parts out in another way, and settings.
func madeBy(options policy.Options) (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	program, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer program.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, program); err != nil {
		return "", err
	}
	settings, err := json.Marshal([]any{options.Notice, options.Structured})
	if err != nil {
		return "", err
	}
	_, _ = sum.Write(settings)
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// restore returns what was kept last, and the digest of the guard that let it
// pass; nil if there is nothing of use.
func (s *compiledStore) restore() (program *policy.Program, set *order.Set, passed string) {
	if s == nil {
		return nil, nil, ""
	}
	index, err := s.readIndex()
	if errors.Is(err, fs.ErrNotExist) || err == nil && index.Made != s.made {
		return nil, nil, "" // the first start, or one after an upgrade
	}
	if err == nil {
		program, set, err = s.read(index)
	}
	if err != nil {
		s.log.Warn("what was compiled is of no use: the orders are compiled anew", "folder", s.folder, "cause", err)
		return nil, nil, ""
	}
	return program, set, string(index.Passed)
}

// forget makes what was kept of no use. It must come before something else is in
// force and in the journal: a process that ends before keep would leave behind
// what the journal says is past.
func (s *compiledStore) forget() {
	if s == nil {
		return
	}
	if err := os.Remove(filepath.Join(s.folder, indexFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("what was compiled could not be removed", "cause", err)
	}
}

func (s *compiledStore) readIndex() (index compiledIndex, err error) {
	data, err := os.ReadFile(filepath.Join(s.folder, indexFile))
	if err != nil {
		return index, err
	}
	_, text, _ := bytes.Cut(data, []byte("\n"))
	if !bytes.Equal(data, withDigest(text)) {
		return index, errors.New("its index is not whole: its SHA-256 differs")
	}
	return index, json.Unmarshal(text, &index)
}

// withDigest is what an index file holds: a text, and its SHA-256 on the line
// before.
func withDigest(text []byte) []byte {
	return append([]byte(digest(string(text))+"\n"), text...)
}

func (s *compiledStore) read(index compiledIndex) (*policy.Program, *order.Set, error) {
	var parts []policy.Saved
	for _, p := range index.Parts {
		data, err := os.ReadFile(s.path(p.ID))
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, policy.Saved{Data: data, Gone: p.Gone})
	}
	program, err := policy.Restore(parts, s.options)
	if err != nil {
		return nil, nil, err
	}
	var orders []*order.Order
	for _, o := range program.Orders() {
		orders = append(orders, o.Order)
	}
	set, err := order.RestoreSet(index.Set, orders)
	return program, set, err
}

func (s *compiledStore) path(id string) string {
	return filepath.Join(s.folder, filepath.Base(id)+partSuffix)
}

// keep writes what is in force: the parts that are not there yet, then the index,
// and removes what is no longer of use. What fails is logged; the server does not
// depend on it.
func (s *compiledStore) keep(program *policy.Program, set *order.Set, passed string) {
	if s == nil {
		return
	}
	if err := s.write(program, set, passed); err != nil {
		s.log.Warn("what is compiled could not be kept: the next start takes longer", "cause", err)
	}
}

func (s *compiledStore) write(program *policy.Program, set *order.Set, passed string) error {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return err
	}
	index := compiledIndex{Made: s.made, Passed: []byte(passed)}
	of := map[string]bool{indexFile: true}
	for _, p := range program.Parts() {
		index.Parts = append(index.Parts, keptPart{p.ID(), p.Gone()})
		of[filepath.Base(s.path(p.ID()))] = true
		if _, err := os.Stat(s.path(p.ID())); err == nil {
			continue
		}
		if err := outfile.Replace(s.path(p.ID()), filePrivate, p.Write); err != nil {
			return err
		}
	}
	var err error
	if index.Set, err = set.Save(); err != nil {
		return err
	}
	text, err := json.Marshal(index)
	if err != nil {
		return err
	}
	err = outfile.Replace(filepath.Join(s.folder, indexFile), filePrivate, func(w io.Writer) error {
		_, err := w.Write(withDigest(text))
		return err
	})
	if err != nil {
		return err
	}
	return s.removeBut(of)
}

// removeBut removes the files of earlier programs.
func (s *compiledStore) removeBut(of map[string]bool) error {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if n := e.Name(); !of[n] && (strings.HasSuffix(n, partSuffix) || outfile.IsDraft(n)) {
			if err := os.Remove(filepath.Join(s.folder, n)); err != nil {
				return err
			}
		}
	}
	return nil
}
