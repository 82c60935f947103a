package ctl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
)

// caller says which secret a command shows.
type caller int

const (
	nobody    caller = iota // no secret: the public part of the API
	applicant               // no secret, but what is sent is nobody else's business
	operator                // the receipt code
	staff                   // an API token, or a session
	member                  // a session: tokens cannot do this
	offline                 // no server at all
)

// call is one run of a command.
type call struct {
	*app
	ctx  context.Context //nolint:containedctx // a call lives as long as its command
	cmd  *cobra.Command
	args []string
	api  *client.API // nil for offline
	wire *transport  // what api speaks through

	drawn string // idempotency key of what this command makes; "" when it makes nothing
}

const keyFlag = "idempotency-key"

// making adds what a command needs that makes something: a key, so that sending it
// again after a lost answer cannot make it twice.
func making(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String(
		keyFlag,
		"",
		"idempotency key of an earlier attempt whose answer was lost; nothing is done twice",
	)
	return cmd
}

// key returns the key that was given, or draws one.
func (c *call) key() string {
	given, err := c.cmd.Flags().GetString(keyFlag)
	if err == nil && given != "" {
		return given
	}
	if c.drawn == "" {
		c.drawn = client.NewIdempotencyKey()
	}
	return c.drawn
}

// tellKey tells the key of an attempt of which nobody knows how it ended.
func (c *call) tellKey(err error) {
	var refused *client.Error
	if c.drawn == "" || err == nil || (errors.As(err, &refused) && refused.Status < http.StatusInternalServerError) {
		return
	}
	c.talk(
		"No answer came, so it is not known whether this was done. Run the same again with --%s %s: it cannot be done twice.",
		keyFlag,
		c.drawn,
	)
}

// everyPage reads a list from its first page to its last.
func everyPage[T any](read func(cursor *string) (items []T, next *string, err error)) ([]T, error) {
	all := []T{}
	for cursor := (*string)(nil); ; {
		items, next, err := read(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == nil {
			return all, nil
		}
		cursor = next
	}
}

// online makes cmd run f with the API, as who, and write the page that it
// returns. A page that comes with an error is written as well.
func (a *app) online(who caller, cmd *cobra.Command, f func(*call) (page, error)) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		format, err := cli.ParseFormat(a.format)
		if err != nil {
			return err
		}
		if a.asJSON {
			format = cli.JSON
		}
		c := &call{app: a, ctx: cmd.Context(), cmd: cmd, args: args}
		if who != offline {
			if c.api, err = c.connect(who); err != nil {
				return err
			}
		}
		p, err := f(c)
		c.tellKey(err)
		if writeErr := p.write(cmd.OutOrStdout(), format); writeErr != nil {
			return errors.Join(err, writeErr)
		}
		err = a.explain(err)
		if err != nil && c.ctx.Err() != nil {
			// cli.Main says nothing of a program that was told to stop; here it
			// matters whether something has been sent.
			cli.WriteError(cmd.ErrOrStderr(), cmd.Root().Name(), err)
		}
		return err
	}
	return cmd
}

func (a *app) local(cmd *cobra.Command, f func(*call) (page, error)) *cobra.Command {
	return a.online(offline, cmd, f)
}

// connect returns the API with the secrets of who.
func (c *call) connect(who caller) (*client.API, error) {
	base, err := url.Parse(c.server)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, cli.UsageError{Err: fmt.Errorf("--server: %q is not https://host or http://host", c.server)}
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, cli.UsageError{Err: errors.New("--server takes only a scheme, host, port and path")}
	}
	if who != nobody && base.Scheme == "http" && !c.plainHTTP && !staysHidden(base.Hostname()) {
		return nil, cli.UsageError{
			Err: fmt.Errorf(
				"--server: anybody on the way to %s could read what you send; use https:// or, if you mean it, --plain-http",
				base.Host,
			),
		}
	}
	if c.wire, err = c.transport(); err != nil {
		return nil, err
	}
	opts := client.Options{HTTP: &http.Client{Transport: c.wire, Timeout: c.timeout}}
	switch who {
	case operator:
		opts.Receipt, err = c.receipt()
	case staff, member:
		if who == staff && c.tokenFile != "" {
			opts.Token, err = readSecret("token-file", c.tokenFile)
			break
		}
		c.wire.cookie, err = c.session(who, base.Scheme)
	case nobody, applicant, offline:
	}
	if err != nil {
		return nil, err
	}
	return client.New(strings.TrimSuffix(c.server, "/"), opts)
}

// staysHidden reports whether what is sent to host in the clear stays on this
// machine or inside Tor.
func staysHidden(host string) bool {
	return host == "localhost" || isLoopback(host) || strings.HasSuffix(host, ".onion")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// id reads the UUID that is the first argument.
func (c *call) id() (uuid.UUID, error) {
	id, err := uuid.Parse(c.args[0])
	if err != nil {
		return uuid.UUID{}, cli.UsageError{
			Err: fmt.Errorf("%q is not an ID; an ID looks like 0198c0de-0000-7000-8000-000000000001", c.args[0]),
		}
	}
	return id, nil
}

// talk tells the person something, apart from the data.
func (c *call) talk(format string, args ...any) {
	_, _ = fmt.Fprintf(c.cmd.ErrOrStderr(), format+"\n", args...)
}

// ok200 takes the document out of an answer.
func ok200[T any, R interface{ GetJSON200() *T }](r R, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return document(r.GetJSON200())
}

// ok201 is ok200 for what was created.
func ok201[T any, R interface{ GetJSON201() *T }](r R, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return document(r.GetJSON201())
}

// ok202 is ok200 for what was asked for and is done later.
func ok202[T any, R interface{ GetJSON202() *T }](r R, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return document(r.GetJSON202())
}

func document[T any](doc *T) (T, error) {
	if doc == nil {
		var none T
		return none, errNoFund()
	}
	return *doc, nil
}
