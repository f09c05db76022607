package main

import (
	"context"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// environment is when, where and of which programs a run was made.
type environment struct {
	Date                   string
	CPU, Kernel, OS        string
	Cores                  int
	ServerCore, OthersCore string
	Versions               map[string]string // of programs, by their titles
}

// describe asks the machine and the programs; bailiff is the path of ours.
func describe(ctx context.Context, programs []peer, bailiff string) environment {
	servers, others := cores()
	e := environment{
		Date:       time.Now().UTC().Format(time.DateOnly),
		CPU:        firstMatch("/proc/cpuinfo", `(?m)^model name\s*: (.*)$`),
		Kernel:     firstMatch("/proc/sys/kernel/osrelease", `(\S+)`),
		OS:         firstMatch("/etc/os-release", `(?m)^PRETTY_NAME="?([^"\n]*)`),
		Cores:      runtime.NumCPU(),
		ServerCore: servers, OthersCore: others,
		Versions: map[string]string{},
	}
	for _, p := range programs {
		e.Versions[p.Title] = p.askVersion(ctx, bailiff)
	}
	return e
}

// firstMatch is the first group of the pattern in the file, or "unknown".
func firstMatch(file, pattern string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if found == nil {
		return "unknown"
	}
	return strings.TrimSpace(string(found[1]))
}
