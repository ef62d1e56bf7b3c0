// SPDX-License-Identifier: MIT

package minderbinder

import "fmt"

// Config says what is to fail: Faults or a FailureConfig.
type Config interface {
	faults() ([]any, error)
}

// Faults are texts as minderbinder exec --syscall takes them, such as "openat=ENOSPC,path=*.db".
type Faults []string

func (f Faults) faults() ([]any, error) {
	all := make([]any, len(f))
	for at, fault := range f {
		all[at] = fault
	}
	return all, nil
}

// FailureConfig has faults as a configuration file has them.
type FailureConfig struct {
	Syscall         []SyscallFailure         `json:"syscall,omitempty"`
	OutgoingNetwork []OutgoingNetworkFailure `json:"outgoingNetwork,omitempty"`
}

// SyscallFailure makes a system call fail.
type SyscallFailure struct {
	Name        string  `json:"name,omitempty"`    // What the counts call it.
	Syscall     string  `json:"syscall"`           // Such as "openat", "read+write" or "%file".
	RetCode     string  `json:"retCode,omitempty"` // An error, such as "ENOENT".
	Outcome     string  `json:"outcome,omitempty"` // In place of RetCode: such as "delay:200ms".
	Path        string  `json:"path,omitempty"`    // Only files whose path this glob matches.
	FailureRate float64 `json:"failureRate"`       // In percent, more than 0 and at most 100.
}

// OutgoingNetworkFailure loses what this process and what it starts send. It needs root.
type OutgoingNetworkFailure struct {
	Name        string  `json:"name,omitempty"`        // What the counts call it.
	Protocol    string  `json:"protocol,omitempty"`    // "TCP", "UDP" or "ICMP"; all, if it is empty.
	DestPort    int     `json:"destPort,omitempty"`    // All ports, if it is 0.
	DestAddress string  `json:"destAddress,omitempty"` // An address or a block of addresses; all, if it is empty.
	FailureRate float64 `json:"failureRate"`           // In percent, more than 0 and at most 100.
}

// In Go a rate that was forgotten is 0. It is refused, so that a test does not pass because nothing can fail.
func (c FailureConfig) faults() ([]any, error) {
	for at, failure := range c.Syscall {
		if failure.FailureRate == 0 {
			return nil, rateIsMissing("Syscall", at)
		}
	}
	for at, failure := range c.OutgoingNetwork {
		if failure.FailureRate == 0 {
			return nil, rateIsMissing("OutgoingNetwork", at)
		}
	}
	return []any{c}, nil
}

func rateIsMissing(list string, at int) error {
	return &Error{"MB_CONFIG", fmt.Sprintf("%s[%d]: FailureRate is 0: this never fires", list, at),
		"give a rate in percent, such as FailureRate: 100"}
}
