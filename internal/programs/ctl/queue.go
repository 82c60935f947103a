package ctl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// paging is the flags of a list.
type paging struct {
	cursor string
	limit  int32
	all    bool
}

func (p *paging) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.cursor, "cursor", "", "continue where the previous page ended")
	cmd.Flags().Int32Var(&p.limit, "limit", 0, "lines per page, at most 100")
	cmd.Flags().BoolVar(&p.all, "all", false, "all pages, not only one")
}

// pages reads one page, or all. fetch returns the items behind a cursor and the
// next cursor, nil on the last page.
func pages[T any](
	c *call,
	p paging,
	what string,
	fetch func(cursor *string, limit *int32) ([]T, *string, error),
) ([]T, *string, error) {
	limit := given(p.limit)
	if !p.all {
		items, next, err := fetch(given(p.cursor), limit)
		if err == nil && next != nil {
			c.talk("There are more: --cursor %s, or --all.", clean(*next))
		}
		return items, next, err
	}
	if limit == nil {
		limit = given[int32](100)
	}
	c.wire.quiet = true
	c.cfg.Progress.Step("reading " + what)
	var all []T
	for cursor := given(p.cursor); ; {
		items, next, err := fetch(cursor, limit)
		if err != nil {
			c.talk("")
			return nil, nil, err
		}
		all = append(all, items...)
		if next == nil || *next == "" || (cursor != nil && *next == *cursor) {
			c.cfg.Progress.Done(strconv.Itoa(len(all)))
			return all, nil, nil
		}
		cursor = next
	}
}

func (a *app) queueCommand() *cobra.Command {
	var p paging
	var states []string
	var search, protocol, region, language, voted, claimed string
	cmd := &cobra.Command{Use: "queue", Short: "List applications, newest first", Args: cobra.NoArgs}
	f := cmd.Flags()
	f.StringVar(&search, "search", "", "a reference, a designation, or words of the title")
	f.StringSliceVar(&states, "state", nil, "only these states")
	f.StringVar(&protocol, "protocol", "", "only those with a server of this protocol")
	f.StringVar(&region, "region", "", "only those for this country")
	f.StringVar(&language, "language", "", "only those in this language")
	f.StringVar(&voted, "voted", "", "me: you have voted; not_me: you have not")
	f.StringVar(&claimed, "claimed", "", "me: claimed by you; free: claimed by nobody")
	p.flags(cmd)
	complete(cmd, "state", "submitted", "in_review", "needs_info", "ready", "approved", "declined", "withdrawn")
	complete(
		cmd,
		"protocol",
		"socks5",
		"mtproto",
		"http-connect",
		"wireguard",
		"openvpn",
		"shadowsocks",
		"trojan",
		"vless",
	)
	complete(cmd, "voted", "me", "not_me")
	complete(cmd, "claimed", "me", "free")
	return a.online(staff, cmd, func(c *call) (page, error) {
		if err := errors.Join(oneOf(cmd, "voted", "me", "not_me"), oneOf(cmd, "claimed", "me", "free")); err != nil {
			return page{}, err
		}
		params := client.ListApplicationsParams{
			Search: given(
				search,
			),
			Protocol: given(client.Protocol(protocol)),
			Region:   given(region),
			Language: given(language),
			Voted: given(
				client.ListApplicationsParamsVoted(voted),
			),
			Claimed: given(client.ListApplicationsParamsClaimed(claimed)),
		}
		if len(states) > 0 {
			params.State = &states
		}
		list, next, err := pages(
			c,
			p,
			"the queue",
			func(cursor *string, limit *int32) ([]client.ApplicationSummary, *string, error) {
				params.Cursor, params.Limit = cursor, limit
				answer, err := ok200(c.api.ListApplicationsWithResponse(c.ctx, &params))
				return answer.Items, answer.NextCursor, err
			},
		)
		if err != nil {
			return page{}, err
		}
		return page{
			value: client.ApplicationPage{Items: orEmpty(list), NextCursor: next},
			parts: []part{queuePart(list)},
		}, nil
	})
}

func queuePart(list []client.ApplicationSummary) part {
	header := []string{
		"ID",
		"REFERENCE",
		"STATE",
		"AMOUNT_SAT",
		"PROTOCOLS",
		"REGION",
		"LANGUAGE",
		"APPROVE",
		"DECLINE",
		"MINE",
		"CLAIM",
		"SUBMITTED",
		"TITLE",
	}
	return table("", header, list, func(a client.ApplicationSummary) []string {
		claim := ""
		if a.Claim != nil {
			claim = a.Claim.By
		}
		return []string{
			a.Id.String(),
			a.Reference,
			string(a.State),
			itoa(a.AmountSat),
			strings.Join(a.Protocols, " "),
			a.Region,
			a.Language,
			fmt.Sprintf(
				"%d/%d",
				a.Votes.Approve,
				a.Votes.Required,
			),
			itoa(a.Votes.Decline),
			text(a.MyVerdict),
			claim,
			when(a.SubmittedAt),
			a.Title,
		}
	})
}

// shown is an application with what was computed here.
type shown struct {
	client.Application
	LocalDigest string `json:"local_digest"` // of the note's text; empty when it cannot be read
	NoteHolds   bool   `json:"note_holds"`   // digest, address, amount and text agree
}

func (a *app) showCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show an application and check its decision note",
		Args:  cobra.ExactArgs(1),
		Long: "Show an application with the note that votes approve. The note's digest is computed here and compared with\n" +
			"the server's; so are address, amount and text. Exit code 5 when they do not agree.",
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		app, err := c.application()
		if err != nil {
			return page{}, err
		}
		if app.Sealed { // there is no note to check
			view := shown{Application: app}
			return page{value: view, parts: applicationParts(view)}, nil
		}
		digest, err := checkDecision(app)
		view := shown{Application: app, NoteHolds: err == nil}
		if digest != (decision.Digest{}) {
			view.LocalDigest = digest.String()
		}
		return page{value: view, parts: applicationParts(view)}, err
	})
}

// application fetches the application that the first argument names.
func (c *call) application() (client.Application, error) {
	id, err := c.id()
	if err != nil {
		return client.Application{}, err
	}
	return ok200(c.api.GetApplicationWithResponse(c.ctx, id))
}

func applicationParts(v shown) []part {
	a := v.Application
	purged, sealed, claim, grant, samePayee := "", "", "", "", ""
	if a.Sealed {
		sealed = "yes: this token may not open what the operator wrote (application.unseal)"
	}
	if a.Purged {
		purged = "yes: what the operator wrote was erased"
	}
	if a.Claim != nil {
		claim = a.Claim.By + " until " + when(a.Claim.ExpiresAt)
	}
	if a.GrantId != nil {
		grant = a.GrantId.String()
	}
	if a.SamePayee != nil && *a.SamePayee > 0 {
		samePayee = itoa(*a.SamePayee) + " other applications use this address"
	}
	votes := fmt.Sprintf("%d of %d that approve, %d that decline", a.Votes.Approve, a.Votes.Required, a.Votes.Decline)
	digest := "matches the note below"
	if a.Sealed {
		digest = "not checked: sealed"
	} else if !v.NoteHolds {
		digest = "DOES NOT MATCH"
	}
	return withRows(
		record(
			"id",
			a.Id.String(),
			"reference",
			a.Reference,
			"designation",
			a.Designation,
			"title",
			a.Title,
			"state",
			string(a.State),
			"amount_sat",
			itoa(a.AmountSat),
			"payout_address",
			a.PayoutAddress,
			"same_payee",
			samePayee,
			"protocols",
			strings.Join(a.Protocols, " "),
			"region",
			a.Region,
			"language",
			a.Language,
			"revision",
			itoa(a.Revision),
			"version",
			itoa(a.Version),
			"submitted_at",
			when(a.SubmittedAt),
			"claim",
			claim,
			"votes",
			votes,
			"my_verdict",
			text(a.MyVerdict),
			"outcome",
			text(a.Outcome),
			"grant_id",
			grant,
			"purged",
			purged,
			"sealed",
			sealed,
			"decision_digest",
			a.DecisionDigest,
			"note_check",
			digest,
		),
		part{title: "Narrative", text: a.Narrative},
		table(
			"Servers",
			[]string{"PROTOCOL", "HOST", "PORT", "NOTE"},
			a.Endpoints,
			func(e client.EndpointSeen) []string {
				return []string{e.Protocol, e.Host, itoa(e.Port), text(e.Note)}
			},
		),
		table(
			"Automatic checks",
			[]string{"LEVEL", "CHECK", "REASON", "SEE"},
			a.Checks,
			func(s client.Screened) []string {
				see := make([]string, len(s.Others))
				for i, o := range s.Others {
					see[i] = o.Reference
				}
				return []string{strings.ToUpper(string(s.Level)), s.Check, s.Reason, strings.Join(see, " ")}
			},
		),
		table("Votes", []string{"AT", "BY", "VERDICT", "REVISION", "REASON"}, a.VoteList, func(v client.Vote) []string {
			return []string{when(v.At), v.By, string(v.Verdict), itoa(v.Revision), text(v.Note)}
		}),
		messagesPart(a.Messages),
		eventsPart(a.Events),
		part{title: "Decision note", text: a.DecisionNote},
	)
}

// orEmpty makes a missing list "[]" in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
