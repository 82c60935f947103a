package ctl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Names of the session cookie (api/openapi.yaml, securitySchemes).
const (
	plainCookie  = "causeway_session"
	secureCookie = "__Host-causeway_session"
)

const maxSecretBytes = 4 << 10

// readSecret reads a file with one line that other users cannot read.
func readSecret(flag, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", cli.UsageError{Err: fmt.Errorf("--%s: %w", flag, err)}
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", errs.Newf(
			errs.Invalid,
			errs.CodeSecretExposed,
			"Every user of this machine can read %s. Make it private: chmod 600 %s",
			path,
			path,
		)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", cli.UsageError{Err: fmt.Errorf("--%s: %w", flag, err)}
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || len(secret) > maxSecretBytes || strings.ContainsAny(secret, "\r\n") {
		return "", errs.Newf(errs.Invalid, CodeSecretMalformed, "%s must hold one line.", path)
	}
	return secret, nil
}

// receipt returns the operator's code, from the file or asked for.
func (c *call) receipt() (string, error) {
	if c.receiptFile != "" {
		return readSecret("receipt-file", c.receiptFile)
	}
	code, err := c.ask("Receipt code: ", true)
	if err != nil {
		return "", err
	}
	if code == "" {
		return "", cli.UsageError{
			Err: errors.New("a receipt code is needed: type it, or name its file with --receipt-file"),
		}
	}
	return code, nil
}

// session returns the cookie of the dashboard.
func (c *call) session(who caller, scheme string) (*http.Cookie, error) {
	if c.sessionFile == "" {
		if who == member {
			return nil, cli.UsageError{
				Err: errors.New("--session-file is missing: an API token cannot do this; the dashboard can"),
			}
		}
		return nil, cli.UsageError{
			Err: errors.New("--token-file is missing; make a token on the profile page of the dashboard"),
		}
	}
	value, err := readSecret("session-file", c.sessionFile)
	if err != nil {
		return nil, err
	}
	name := plainCookie
	if scheme == "https" {
		name = secureCookie
	}
	return &http.Cookie{Name: name, Value: value}, nil //nolint:gosec // sent, not set: attributes do not travel
}

// storeSecret makes the file at path before obtain is called, so that what is
// shown once is not lost to a full disk or a wrong folder, and removes it again
// when obtain fails. With an empty path it only calls obtain.
func storeSecret(flag, path string, obtain func() (string, error)) error {
	if path == "" {
		_, err := obtain()
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return cli.UsageError{Err: fmt.Errorf("--%s: %w", flag, err)}
	}
	secret, err := obtain()
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(path))
	}
	_, err = fmt.Fprintln(f, secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errs.Wrap(err, errs.Unavailable, errs.CodeFileUnwritable, "Cannot write "+path+"; it is shown above.")
	}
	return nil
}

// ask asks a question on standard error and reads a line; on a terminal a hidden
// answer is not shown. It gives up when the program is told to stop.
func (c *call) ask(question string, hidden bool) (string, error) {
	_, _ = fmt.Fprint(c.cmd.ErrOrStderr(), question)
	file, isFile := c.cmd.InOrStdin().(*os.File)
	if hidden && isFile && term.IsTerminal(int(file.Fd())) {
		before, err := term.GetState(int(file.Fd()))
		if err != nil {
			return "", fmt.Errorf("read the terminal's state: %w", err)
		}
		answer, err := await(c.ctx, func() (string, error) {
			text, err := term.ReadPassword(int(file.Fd()))
			return string(text), err
		})
		_ = term.Restore(int(file.Fd()), before)
		c.talk("")
		return strings.TrimSpace(answer), err
	}
	answer, err := await(c.ctx, func() (string, error) { return c.stdin().ReadString('\n') })
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	return strings.TrimSpace(answer), nil
}

// stdin returns standard input; all that read from it share one buffer.
func (c *call) stdin() *bufio.Reader {
	if c.in == nil {
		c.in = bufio.NewReader(c.cmd.InOrStdin())
	}
	return c.in
}

// await runs read, which cannot be interrupted, until it ends or ctx does. The
// program ends right after the latter, and read with it.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// confirm goes on only if the person types want.
func (c *call) confirm(yes bool, question, want string) error {
	if yes {
		return nil
	}
	answer, err := c.ask(question, false)
	if err != nil {
		return err
	}
	if !strings.EqualFold(answer, want) {
		return errs.New(errs.Precondition, CodeNotConfirmed, "Not confirmed. Nothing was sent.")
	}
	return nil
}
