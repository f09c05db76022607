package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// reloadable is a server whose rules are its own copies.
type reloadable struct {
	*server
	version map[string]int  // folder of a change → which of the two versions is in force
	slow    map[string]bool // change and rate → its reload took longer than slowReload
}

// update is what the templates of reloads take.
type update struct {
	site
	PID      int
	Old, New string // folders of the versions
}

// first is the first rule of a version, and how many it has.
func (b *bench) versionOf(folder string, version int) (first, n int) {
	if folder == "" {
		return version * b.Rules, b.Rules
	}
	return 2*b.Rules + version*someNames, someNames
}

// versionFolder is where the files of a version lie.
func (b *bench) versionFolder(folder string, version int) string {
	return filepath.Join(b.folder, fmt.Sprintf("version-%s%d", folder, version))
}

// launchReloadables starts every server with the first version of everything; the
// caller stops those returned, after an error too.
func (b *bench) launchReloadables(ctx context.Context) (servers []*reloadable, err error) {
	for _, p := range slices.Clone(b.peers) {
		s, err := b.launchReloadable(ctx, p)
		if ctx.Err() != nil {
			return servers, ctx.Err()
		}
		if err != nil {
			b.note(reloading, "%s is not reloaded: %v", p.Title, err)
			continue
		}
		servers = append(servers, &reloadable{server: s, version: map[string]int{}, slow: map[string]bool{}})
	}
	return servers, nil
}

func (b *bench) launchReloadable(ctx context.Context, p peer) (*server, error) {
	at, err := b.site(p, filepath.Join(b.folder, "live-"+p.folder))
	if err != nil {
		return nil, err
	}
	if at.Control, err = freePort(); err != nil {
		return nil, err
	}
	for _, c := range changes {
		live := filepath.Join(at.Rules, c.folder)
		if err := os.MkdirAll(live, 0o700); err != nil {
			return nil, err
		}
		place, err := p.prepare(b.versionFolder(c.folder, 0), live)
		if err == nil {
			err = place()
		}
		if err != nil {
			return nil, err
		}
	}
	core, _ := cores()
	return launchAt(ctx, p, at, core, b.Rules)
}

// prepare copies the files that the peer reads from a version's folder to the
// server's own, under other names; place puts them into their places, at once.
func (p peer) prepare(from, to string) (place func() error, err error) {
	for _, file := range p.rules {
		if err := copyFile(filepath.Join(from, file), filepath.Join(to, ".new-"+file)); err != nil {
			return nil, err
		}
	}
	return func() error {
		for _, file := range p.rules {
			// Not renamed: who watches a folder waits for files that are made.
			fresh, live := filepath.Join(to, ".new-"+file), filepath.Join(to, file)
			_ = os.Remove(live)
			if err := os.Link(fresh, live); err != nil {
				return err
			}
			if err := os.Remove(fresh); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// nextVersion lays the other version of the change beside the one in force. It
// returns what puts it in force, and the names to watch.
func (b *bench) nextVersion(s *reloadable, c change) (apply func() error, names []string, err error) {
	old, next := s.version[c.folder], 1-s.version[c.folder]
	u := update{site: s.site, PID: s.pid, Old: b.versionFolder(c.folder, old), New: b.versionFolder(c.folder, next)}
	command, err := fill(c.told(s.peer), u)
	if err != nil {
		return nil, nil, err
	}
	place, err := s.prepare(u.New, filepath.Join(s.Rules, c.folder))
	if err != nil {
		return nil, nil, err
	}
	first, n := b.versionOf(c.folder, next)
	return func() error {
		s.version[c.folder] = next
		if err := place(); err != nil {
			return err
		}
		return tell(command)
	}, witnesses(first, n), nil
}

// tell runs the command that makes a server reload; empty is none.
func tell(command string) error {
	if command == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), reloadLimit)
	defer cancel()
	_, core := cores()
	if said, err := pinned(ctx, core, "sh", "-c", command).CombinedOutput(); err != nil {
		program, _, _ := strings.Cut(command, " ")
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(said))
	}
	return nil
}
