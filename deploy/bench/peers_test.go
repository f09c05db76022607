package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPeers_eachHasAConfigurationThatFits(t *testing.T) {
	var folders []string
	for _, p := range append(slices.Clone(peers), bailiffPeer, upstream) {
		folders = append(folders, p.folder)
		at := site{Dir: filepath.Join(t.TempDir(), p.folder), Rules: "/rules", Port: 5311, Upstream: 5399, Bailiff: "bailiff"}
		if err := p.configure(at); err != nil {
			t.Errorf("%s: %v", p.folder, err)
			continue
		}
		line, err := fill(p.command, at)
		if err != nil || !strings.Contains(line, at.Dir) {
			t.Errorf("%s: got %q, %v, want a command that names %s", p.folder, line, err, at.Dir)
		}
		if text := everything(t, at.Dir); !strings.Contains(text, "5311") || strings.Contains(text, "{{") {
			t.Errorf("%s: got a configuration without its port, or not filled:\n%s", p.folder, text)
		}
	}
	left, err := fs.ReadDir(configurations, "peers")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if !slices.Contains(folders, f.Name()) {
			t.Errorf("peers/%s: no peer uses it", f.Name())
		}
	}
}

// everything is what the files of a folder say.
func everything(t *testing.T, folder string) string {
	t.Helper()
	var text strings.Builder
	files, err := filepath.Glob(filepath.Join(folder, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(data)
	}
	return text.String()
}

func TestVersionNumber_isFoundInWhatProgramsPrint(t *testing.T) {
	for in, want := range map[string]string{
		"bailiff v0.1.0-3-gabc (commit 0123456789ab, go1.26.0)\n":                     "v0.1.0-3-gabc",
		"Version 1.17.1\n\nConfigure line: --build=x\n":                               "1.17.1",
		"BIND 9.18.49-1~deb12u3-Debian (Extended Support Version) <id:>\n":            "9.18.49-1~deb12u3-Debian",
		"dnsdist 1.7.3 (Lua 5.1.4 [LuaJIT 2.1.0-beta3])\n":                            "1.7.3",
		"Nov 23 12:00:00 PowerDNS Recursor 4.8.8 (C) 2001-2022 PowerDNS.COM BV\n":     "4.8.8",
		"Knot Resolver, version 5.6.0\n":                                              "5.6.0",
		"DNS Performance Testing Tool\nVersion 2.10.0\n\n  -s (default: 127.0.0.1)\n": "2.10.0",
	} {
		found := versionNumber.FindStringSubmatch(in)
		if len(found) != 2 || found[1] != want {
			t.Errorf("%q: got %q, want %q", in, found, want)
		}
	}
}
