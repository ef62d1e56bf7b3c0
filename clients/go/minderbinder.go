// SPDX-License-Identifier: MIT

package minderbinder

// Minderbinder breaks blocks of code outside of a test: nothing but the error says what went wrong.
type Minderbinder struct{}

// WithFailures runs block while the faults are in force, and lifts them at its end, also by a panic. It returns block's error;
// if there is none, one that says which fault never fired.
func (*Minderbinder) WithFailures(config Config, block func() error, with ...Option) error {
	inForce, err := Inject(config, with...)
	if err != nil {
		return err
	}
	defer inForce.Lift()
	if err := block(); err != nil {
		return err
	}
	return inForce.End()
}
