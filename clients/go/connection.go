// SPDX-License-Identifier: MIT

package minderbinder

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

const (
	variable = "MINDERBINDER_CONTROL"
	version  = 1 // of the protocol: docs/control.md
)

// Error is what minderbinder refuses. Code is stable, and one of those in minderbinder(1), section ERRORS.
type Error struct {
	Code    string
	Message string
	Hint    string // What to do, if that is known.
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("%s [%s]", e.Message, e.Code)
	}
	return fmt.Sprintf("%s (%s) [%s]", e.Message, e.Hint, e.Code)
}

// One connection serves all blocks that are open in this process, so that no fault of one is in the way of another.
type connection struct {
	guard   sync.Mutex // For a request and its answer.
	out     io.WriteCloser
	lines   *bufio.Reader
	whyLost string
	isLost  bool // Guarded by guard.
	seed    string
	engine  string // For system call faults, if there is one.
	users   int    // Guarded by shared.
}

var shared struct {
	sync.Mutex
	connection *connection
}

func join(reach Reach) (*connection, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.connection == nil {
		opened, err := open(reach)
		if err != nil {
			return nil, err
		}
		shared.connection = opened
	}
	shared.connection.users++
	return shared.connection, nil
}

func (c *connection) leave() {
	shared.Lock()
	defer shared.Unlock()
	c.users--
	if c.users == 0 {
		shared.connection = nil
		c.out.Close()
	}
}

const notYours = "the socket is another user's, or its group's, which you are not in (see minderbinder serve --group)"

func open(reach Reach) (*connection, error) {
	path, whyLost, err := wayIn(reach)
	if err != nil {
		return nil, err
	}
	file, err := dial(path)
	if err != nil {
		if errors.Is(err, syscall.EACCES) {
			whyLost = notYours
		}
		return nil, &Error{"MB_CONTROL", fmt.Sprintf("cannot connect to %s: %v", path, err), whyLost}
	}
	c, err := greet(file, file, whyLost)
	if err != nil {
		file.Close()
		return nil, err
	}
	return c, nil
}

// greet begins a connection to a server that is at the other end already.
func greet(in io.Reader, out io.WriteCloser, whyLost string) (*connection, error) {
	c := &connection{out: out, lines: bufio.NewReader(in), whyLost: whyLost}
	greeted, err := c.ask(request{Type: "hello", Version: version})
	if err != nil {
		return nil, err
	}
	c.seed, c.engine = greeted.Seed, greeted.Engine
	return c, nil
}

// A socket that blocks, and not one of package net: that one needs epoll, which a fault may be about.
func dial(path string) (*os.File, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

func (c *connection) lost() bool {
	c.guard.Lock()
	defer c.guard.Unlock()
	return c.isLost
}

type request struct {
	Type    string `json:"type"`
	Version int    `json:"version,omitempty"`
	Faults  []any  `json:"faults,omitempty"`
	Scope   Scope  `json:"scope,omitempty"`
	Tid     int    `json:"tid,omitempty"`
	Only    string `json:"only,omitempty"`
	Rules   []int  `json:"rules,omitempty"`
}

type answer struct {
	Error
	Type   string
	Seed   string
	Engine string
	Rules  []struct {
		Rule int
		Counts
	}
	Places []int // With Only: of each rule among all of the request.
	Left   int   // With Only: how many rules are of the other kind.
}

func (c *connection) ask(asked request) (*answer, error) {
	line, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	c.guard.Lock()
	defer c.guard.Unlock()
	if _, err := c.out.Write(append(line, '\n')); err != nil {
		return nil, c.gone(err)
	}
	line, err = c.lines.ReadBytes('\n')
	if err != nil {
		return nil, c.gone(err)
	}
	var got answer
	if err := json.Unmarshal(line, &got); err != nil {
		return nil, c.gone(err)
	}
	if got.Type == "error" {
		return nil, &got.Error
	}
	return &got, nil
}

func (c *connection) gone(err error) error {
	c.isLost = true
	return &Error{"MB_CONTROL", fmt.Sprintf("minderbinder has closed the control socket: %v", err), c.whyLost}
}
