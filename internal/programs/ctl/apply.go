package ctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

const maxInputBytes = 256 << 10 // what the server takes

// form is an application as flags or a file give it.
type form struct {
	file                                                    string
	title, narrative, contact, region, language, amount, to string
	endpoints, links, endpointFiles                         []string
}

// formFlags are the flags that --file takes the place of.
var formFlags = []string{
	"title",
	"narrative-file",
	"contact",
	"endpoint",
	"link",
	"endpoint-file",
	"region",
	"language",
	"amount-sat",
	"payout-address",
}

func (f *form) flags(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(
		&f.file,
		"file",
		"",
		"file with the application as JSON, or - for standard input; replaces the other flags",
	)
	set.StringVar(&f.title, "title", "", "title: what the grant is for, in a few words")
	set.StringVar(
		&f.narrative,
		"narrative-file",
		"",
		"file with the story, or - for standard input; leave out what identifies you",
	)
	set.StringVar(&f.contact, "contact", "", "optional: where to reach you")
	set.StringArrayVar(
		&f.endpoints,
		"endpoint",
		nil,
		"protocol://[user@]host:port; may be given several times; secrets go into --file",
	)
	set.StringArrayVar(&f.links, "link", nil, "a server's link without a secret in it; may be given several times")
	set.StringArrayVar(
		&f.endpointFiles,
		"endpoint-file",
		nil,
		"file with a server's link or configuration (.conf, .ovpn); may be given several times",
	)
	set.StringVar(&f.region, "region", "", "ISO 3166-1 code of the country that it serves, or other")
	set.StringVar(&f.language, "language", "en", "ISO 639-1 code of the language to answer in")
	set.StringVar(&f.amount, "amount-sat", "", "amount that you ask for, in satoshi")
	set.StringVar(&f.to, "payout-address", "", "unused address of your own to be paid at")
}

func (f *form) read(c *call) (client.NewApplication, error) {
	if f.file != "" {
		for _, name := range formFlags {
			if c.cmd.Flags().Changed(name) {
				return client.NewApplication{}, cli.UsageError{
					Err: fmt.Errorf("--%s and --file cannot be used together", name),
				}
			}
		}
		return readApplication(c, f.file)
	}
	if err := cli.Need(c.cmd.Flags(), "title", "narrative-file", "region", "amount-sat", "payout-address"); err != nil {
		return client.NewApplication{}, err
	}
	if len(f.endpoints)+len(f.links)+len(f.endpointFiles) == 0 {
		return client.NewApplication{}, cli.UsageError{
			Err: errors.New("--endpoint, --link or --endpoint-file is missing; see --help"),
		}
	}
	narrative, err := c.readText(f.narrative)
	if err != nil {
		return client.NewApplication{}, err
	}
	amount, bad := money.ParseSat("amount_sat", f.amount)
	if bad != nil {
		return client.NewApplication{}, errs.InvalidFields([]errs.Field{*bad})
	}
	app := client.NewApplication{
		Title: f.title, Narrative: narrative, Contact: given(f.contact), Region: f.region, Language: f.language,
		AmountSat: int64(amount), PayoutAddress: f.to,
	}
	for _, text := range f.endpoints {
		e, err := parseEndpoint(text)
		if err != nil {
			return client.NewApplication{}, cli.UsageError{Err: fmt.Errorf("--endpoint: %w", err)}
		}
		app.Endpoints = append(app.Endpoints, e)
	}
	linked, err := f.linked(c)
	app.Endpoints = append(app.Endpoints, linked...)
	return app, err
}

// linked returns the servers of links and files.
func (f *form) linked(c *call) ([]client.Endpoint, error) {
	var out []client.Endpoint
	for _, text := range f.links {
		if spec, err := link.Parse(text); err != nil || len(link.Secrets(spec)) > 0 {
			return nil, cli.UsageError{
				Err: errors.New(
					"--link: other users can see arguments, and this link contains a secret or cannot be read; put it into a file " +
						"for --endpoint-file",
				),
			}
		}
		out = append(out, client.Endpoint{Link: &text})
	}
	for _, path := range f.endpointFiles {
		text, err := c.linkText(path)
		if err != nil {
			return nil, err
		}
		text = strings.TrimSpace(text)
		out = append(out, client.Endpoint{Link: &text})
	}
	return out, nil
}

// parseEndpoint reads protocol://[user@]host:port. A password is refused: other
// users of the machine can see arguments.
func parseEndpoint(text string) (client.Endpoint, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return client.Endpoint{}, fmt.Errorf("%q is not protocol://host:port", text)
	}
	if _, secret := u.User.Password(); secret {
		return client.Endpoint{}, errors.New(
			"other users can see arguments, so a secret must not be one; put the application into a file for --file",
		)
	}
	host, portText, err := net.SplitHostPort(u.Host)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || portErr != nil || host == "" || port == 0 {
		return client.Endpoint{}, fmt.Errorf("%q has no host and port", text)
	}
	return client.Endpoint{
		Protocol: client.Protocol(u.Scheme),
		Host:     host,
		Port:     int32(port),
		Username: given(u.User.Username()),
	}, nil
}

// readApplication reads the JSON of an application and refuses names that the
// API has not.
func readApplication(c *call, path string) (client.NewApplication, error) {
	var app client.NewApplication
	body, err := c.readText(path)
	if err != nil {
		return app, err
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	dec.DisallowUnknownFields()
	err = dec.Decode(&app)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is more after the object")
		}
	}
	if err != nil {
		return app, errs.Newf(errs.Malformed, errs.CodeMalformedJSON, "The application cannot be read: %v.", err)
	}
	return app, nil
}

// readText reads a file, or standard input for "-".
func (c *call) readText(path string) (string, error) {
	text, err := c.readFile(path, maxInputBytes)
	return string(text), err
}

// readFile reads at most limit bytes of a file, or of standard input for "-".
func (c *call) readFile(path string, limit int64) ([]byte, error) {
	var in io.Reader = c.stdin()
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, cli.UsageError{Err: err}
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(text)) > limit {
		return nil, errs.Newf(errs.TooLarge, errs.CodeTooLarge, "%s is longer than %d bytes.", path, limit)
	}
	return text, nil
}

func (a *app) applyCommand() *cobra.Command {
	var f form
	var key, receiptOut string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "apply", Short: "Apply for a grant and print the receipt code", Args: cobra.NoArgs,
		Long: "Apply for a grant and print the receipt code, which is the only way back to the application.\n\n" +
			"An idempotency key is printed before anything is sent. If the answer is lost, run the same command\n" +
			"again with --idempotency-key: it cannot apply twice and prints the same receipt code.",
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&key, "idempotency-key", "", "idempotency key of an earlier attempt whose answer was lost")
	cmd.Flags().StringVar(&receiptOut, "receipt-out", "", "new file to write the receipt code to")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check it against the fund's limits and print it; nothing is sent")
	return a.online(applicant, cmd, func(c *call) (page, error) {
		body, err := f.read(c)
		if err != nil {
			return page{}, err
		}
		if dryRun {
			return c.tryApplication(body)
		}
		var receipt client.Receipt
		err = storeSecret("receipt-out", receiptOut, func() (string, error) {
			if key == "" {
				key = client.NewIdempotencyKey()
				c.talk(
					"Idempotency key: %s\nIf no answer comes, run the same command again with --idempotency-key and this key. Then "+
						"discard it.",
					key,
				)
			}
			receipt, err = ok201(
				c.api.SubmitApplicationWithResponse(c.ctx, &client.SubmitApplicationParams{IdempotencyKey: key}, body),
			)
			return receipt.ReceiptCode, err
		})
		if receipt.ReceiptCode == "" {
			return page{}, err
		}
		c.talk(
			"Keep the receipt code. It is the only way back to your application, and the fund cannot show it again.",
		)
		return page{value: receipt, parts: []part{record(
			"receipt_code", receipt.ReceiptCode, "reference", receipt.Reference, "state", string(receipt.State),
			"revision", itoa(receipt.Revision), "application_sha256", receipt.ApplicationSha256,
		)}}, err
	})
}

// tryApplication holds an application against what the fund says of itself.
func (c *call) tryApplication(body client.NewApplication) (page, error) {
	fund, err := ok200(c.api.GetFundWithResponse(c.ctx))
	if err != nil {
		return page{}, err
	}
	net, err := wallet.Params(fund.Network)
	if err != nil {
		return page{}, err
	}
	var bad []errs.Field
	if _, field := wallet.ParsePayee(body.PayoutAddress, net, nil); field != nil {
		bad = append(bad, *field)
	}
	if body.AmountSat < fund.MinAmountSat || body.AmountSat > fund.MaxAmountSat {
		bad = append(
			bad,
			errs.Field{
				Field:   "amount_sat",
				Code:    errs.CodeOutOfRange,
				Message: fmt.Sprintf("must be between %d and %d", fund.MinAmountSat, fund.MaxAmountSat),
			},
		)
	}
	for i, e := range body.Endpoints {
		field := fmt.Sprintf("endpoints[%d].", i)
		if e.Link != nil {
			spec, err := link.Parse(*e.Link)
			if err != nil {
				bad = append(bad, refusedLines(field+"link", err)...)
				continue
			}
			field, e.Protocol = field+"link, ", protocolName(spec.Protocol())
		}
		if !slices.Contains(fund.Protocols, e.Protocol) {
			bad = append(
				bad,
				errs.Field{
					Field:   field + "protocol",
					Code:    errs.CodeUnknownProtocol,
					Message: fmt.Sprintf("must be one of %v", fund.Protocols),
				},
			)
		}
	}
	if err := errs.InvalidFields(bad); err != nil {
		return page{}, err
	}
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		return page{}, fmt.Errorf("write the application: %w", err)
	}
	c.talk("Nothing was sent. Without --dry-run this would go to %s:", clean(fund.Name))
	return page{raw: append(text, '\n')}, nil
}

// refusedLines names what a link's refusal names, as part of field.
func refusedLines(field string, err error) []errs.Field {
	var e *errs.Error
	if !errors.As(cleaned(err), &e) {
		return []errs.Field{{Field: field, Code: link.CodeEndpointRefused, Message: err.Error()}}
	}
	out := make([]errs.Field, 0, len(e.Fields))
	for _, f := range e.Fields {
		out = append(out, errs.Field{Field: field + ", " + f.Field, Code: f.Code, Message: f.Message, Params: f.Params})
	}
	return out
}

func (a *app) reviseCommand() *cobra.Command {
	var f form
	cmd := &cobra.Command{
		Use: "revise", Short: "Replace what you wrote, while the team waits for your answer", Args: cobra.NoArgs,
	}
	f.flags(cmd)
	return a.online(operator, cmd, func(c *call) (page, error) {
		body, err := f.read(c)
		if err != nil {
			return page{}, err
		}
		return ownChanged(ok200(c.api.ReviseApplicationWithResponse(c.ctx, body)))
	})
}
