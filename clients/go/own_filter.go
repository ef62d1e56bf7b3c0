// SPDX-License-Identifier: MIT

package minderbinder

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

const whyFilterLost = "the supervisor of this process was killed: its calls go on without faults, and there can be no other"

// A filter of this process's own, for tests without minderbinder exec in front. It stays until the process ends.
var filter struct {
	sync.Mutex
	isThere bool
	socket  int    // To the supervisor and its keeper.
	control string // Path of the control socket.
	isTried bool
	tried   error // What came of it.
}

// filterRefusal says why this process can have no filter. It is nil if there is one, or may be.
func filterRefusal() error {
	filter.Lock()
	defer filter.Unlock()
	if filter.isThere {
		return filterLoss()
	}
	parts, err := installed()
	if err != nil {
		return err
	}
	if !filter.isTried {
		filter.isTried, filter.tried = true, tryListener(parts)
	}
	return filter.tried
}

func filterIsThere() bool {
	filter.Lock()
	defer filter.Unlock()
	return filter.isThere
}

// startFilter installs it, unless it is there, and returns the path of its control socket. The reach is of no account if it is.
func startFilter(reach Reach) (string, error) {
	filter.Lock()
	defer filter.Unlock()
	if !filter.isThere {
		if err := beginFilter(reach); err != nil {
			return "", err
		}
	}
	return filter.control, filterLoss()
}

func beginFilter(reach Reach) error {
	parts, err := installed()
	if err != nil {
		return err
	}
	socket, err := startHelper(parts, string(reach))
	if err != nil {
		return err
	}
	offered, err := hearOffer(socket)
	if err == nil {
		mark(parts.Library)
		// Where Yama lets only ancestors read a process's memory. EINVAL: there is no Yama.
		rawCall(syscall.SYS_PRCTL, prSetPtracer, uintptr(offered.supervisor), 0, 0, 0)
		if number := installFilter(offered.code, socket); number != 0 {
			err = refusedBySeccomp(number)
		}
	}
	if err != nil {
		syscall.Close(socket)
		return err
	}
	filter.isThere, filter.socket, filter.control = true, socket, offered.control
	// If it is another message, filterLoss sees the same.
	if kind := kindOf(receive(socket)); kind != joinReady {
		syscall.Shutdown(socket, syscall.SHUT_RDWR)
	}
	return nil
}

func filterLoss() error {
	if !isAlone(filter.socket) {
		return nil
	}
	return &Error{"MB_CONTROL", "the supervisor of this process was killed: its calls go on, without faults",
		"a filter cannot be replaced: start the tests again"}
}

// A child of this process may have a listener if this process may.
func tryListener(parts *installation) error {
	trial := exec.Cmd{Path: parts.Launcher, Args: []string{"minderbinder-probe", "listener"}, Env: helperEnvironment()}
	said, err := trial.Output()
	var number int
	if _, scanned := fmt.Sscanf(string(said), "listener %d", &number); err == nil {
		err = scanned
	}
	if err != nil {
		return cannotStartHelper(strings.TrimSpace(err.Error()))
	}
	if number != 0 {
		return refusedBySeccomp(syscall.Errno(number))
	}
	return nil
}

func refusedBySeccomp(number syscall.Errno) error {
	switch number {
	case syscall.EBUSY:
		return &Error{"MB_SECCOMP",
			"this process has a seccomp listener already, and the kernel allows only one: " + filterOwner(),
			"start the tests with minderbinder exec --control -- instead"}
	case syscall.ESRCH:
		return &Error{"MB_SECCOMP", "a thread of this process has a seccomp filter that the others do not have",
			"use faults before it gets one, or start the tests with minderbinder exec --control --"}
	}
	return &Error{"MB_SECCOMP", fmt.Sprintf("the kernel refuses a seccomp listener: %v", number),
		"it needs Linux 5.9 with CONFIG_SECCOMP_FILTER"}
}
