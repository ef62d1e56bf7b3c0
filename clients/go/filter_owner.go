// SPDX-License-Identifier: MIT

package minderbinder

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"syscall"
)

var (
	libraryPattern  = regexp.MustCompile(`(?m)/own-filter(-\w+)?\.so$`)
	launcherPattern = regexp.MustCompile(`/launcher(-\w+)?$`)
	parentPattern   = regexp.MustCompile(`(?m)^PPid:\s*(\d+)`)
)

// filterOwner says whose seccomp listener this process has, as far as /proc shows it. For the end of a sentence.
func filterOwner() string {
	for pid := os.Getppid(); pid > 1; pid = parentOf(pid) {
		maps, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
		if libraryPattern.Match(maps) {
			return fmt.Sprintf("it is that of process %d, a test that this one descends from and that has faults of its own", pid)
		}
		if path, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); launcherPattern.MatchString(path) {
			return "minderbinder exec runs it, with faults and without --control"
		}
	}
	return "a container or another tool has installed it"
}

func parentOf(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // It may be gone, or another user's.
	match := parentPattern.FindSubmatch(status)
	if match == nil {
		return 0
	}
	parent, _ := strconv.Atoi(string(match[1]))
	return parent
}

// mark maps the library by which the clients in other languages install their filters, so that descendants of this process
// see whose filter they have. Nothing of it runs. Without the mark, their message says less.
func mark(library string) {
	file, err := os.Open(library)
	if err != nil {
		return
	}
	defer file.Close()
	_, _ = syscall.Mmap(int(file.Fd()), 0, 1, syscall.PROT_READ, syscall.MAP_PRIVATE)
}
