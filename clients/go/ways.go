// SPDX-License-Identifier: MIT

package minderbinder

import (
	"errors"
	"os"
	"strings"
)

// Way is how faults get into this process.
type Way string

const (
	// Control is the socket of minderbinder exec --control, which runs the tests, or of minderbinder serve.
	Control Way = "control"
	// Serve is, as root, a minderbinder serve --stdio that this process starts when the first fault comes.
	Serve Way = "serve"
	// OwnFilter is a filter that this process installs on itself when the first fault comes, for system calls only; as root,
	// for those that Serve cannot fault.
	OwnFilter Way = "own-filter"
)

// OtherWay is one that is not taken first, and the reason.
type OtherWay struct {
	Way Way
	Why string
}

// Availability says which way is taken first, and why not the others. Way is empty if there is none.
type Availability struct {
	Way    Way
	Others []OtherWay
}

// Available says which way faults get into this process. It installs and starts nothing that stays.
func Available() Availability {
	available, _ := lookAtWays()
	return available
}

// Unavailable says why faults cannot be injected from here. It is nil if they can be.
func Unavailable() error {
	available, last := lookAtWays()
	if available.Way != "" {
		return nil
	}
	whys := make([]string, len(available.Others))
	for at, other := range available.Others {
		whys[at] = other.Why
	}
	whys[len(whys)-1] = last.Message
	return &Error{last.Code, strings.Join(whys, "; "), last.Hint}
}

// The error is why there is no filter.
func lookAtWays() (Availability, *Error) {
	if os.Getenv(variable) != "" {
		why := "the control socket comes first: whatever runs the tests has the faults of all of them"
		return Availability{Control, []OtherWay{{Serve, why}, {OwnFilter, why}}}, nil
	}
	control := OtherWay{Control, variable + " is not set: minderbinder does not run this"}
	serve := serveRefusal()
	filter := filterRefusal()
	if serve == nil {
		why := "minderbinder serve comes first, and leaves to it what it cannot fault"
		if filter != nil {
			why = filter.Error()
		}
		return Availability{Serve, []OtherWay{control, {OwnFilter, why}}}, nil
	}
	others := []OtherWay{control, {Serve, serve.Error()}}
	if filter == nil {
		return Availability{OwnFilter, others}, nil
	}
	var refused *Error
	if !errors.As(filter, &refused) {
		refused = &Error{Message: filter.Error()}
	}
	return Availability{"", append(others, OtherWay{OwnFilter, filter.Error()})}, refused
}

// wayIn returns the path of the control socket, and what has happened if it is there no more.
func wayIn(reach Reach) (path, whyLost string, err error) {
	if path := os.Getenv(variable); path != "" {
		return path, "the minderbinder exec --control or serve that made the socket has ended or was killed", nil
	}
	path, err = startFilter(reach)
	return path, whyFilterLost, err
}
