package ctl

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func (a *app) claimCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "claim ID",
		Short: "Claim an application for 30 minutes, or extend your claim",
		Args:  cobra.ExactArgs(1),
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		return changed(ok200(c.api.ClaimApplicationWithResponse(c.ctx, id)))
	})
}

func (a *app) releaseCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "release ID", Short: "Release your claim", Args: cobra.ExactArgs(1)}
	return a.online(staff, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		return changed(ok200(c.api.ReleaseApplicationWithResponse(c.ctx, id)))
	})
}

// agreement is the flags of what is said about a note.
type agreement struct {
	digest      string
	yes, dryRun bool
}

func (g *agreement) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(
		&g.digest,
		"digest",
		"",
		"continue only if the note has this digest, which you have read before",
	)
	cmd.Flags().BoolVar(&g.yes, "yes", false, "do not ask for confirmation")
	cmd.Flags().BoolVar(&g.dryRun, "dry-run", false, "check and show the note; nothing is sent")
}

// on shows the note of the application that the first argument names, checks it
// and has the person agree to what. The digest it returns was computed here.
// proceed is false for a dry run.
func (g *agreement) on(c *call, what string) (app client.Application, digest decision.Digest, proceed bool, err error) {
	app, err = c.application()
	if err != nil {
		return app, digest, false, err
	}
	if app.Sealed {
		return app, digest, false, errs.New(
			errs.Forbidden,
			CodeSealed,
			"This token may not open what is sealed, so the note cannot be checked. Nothing was sent: use a token with the "+
				"scope application.unseal.",
		)
	}
	c.talk(
		"%s, %s, %s\n\n%s\n",
		clean(app.Reference),
		clean(app.Title),
		clean(string(app.State)),
		indent(app.DecisionNote),
	)
	for _, s := range app.Checks {
		if s.Level == client.High {
			c.talk("HIGH: %s", clean(s.Reason))
		}
	}
	if digest, err = checkDecision(app); err != nil {
		return app, digest, false, err
	}
	c.talk("Digest, computed here: %s", digest)
	if g.digest != "" && g.digest != digest.String() {
		return app, digest, false, errs.New(
			errs.Conflict,
			errs.CodeStaleDigest,
			"The note is not the one that --digest names: the application has changed. Nothing was sent; read it again.",
		)
	}
	if g.dryRun {
		c.talk("Nothing was sent. Without --dry-run this would %s.", what)
		return app, digest, false, nil
	}
	return app, digest, true, c.confirm(g.yes, "To "+what+", type yes: ", "yes")
}

func verdicts() []string {
	return []string{string(client.VerdictApprove), string(client.VerdictDecline)}
}

func outcomes() []string {
	return []string{string(client.NewDecisionOutcomeApprove), string(client.NewDecisionOutcomeDecline)}
}

func audiences() []string {
	return []string{string(client.AudienceOperator), string(client.AudienceTeam)}
}

func (a *app) voteCommand() *cobra.Command {
	var g agreement
	var verdict string
	var note written
	cmd := &cobra.Command{
		Use:   "vote ID",
		Short: "Vote on an application, after a check of its note",
		Args:  cobra.ExactArgs(1),
		Long: "Vote on an application. The note that the vote is about is shown, its digest computed here and compared\n" +
			"with the server's. When they differ, nothing is sent and the exit code is 5.",
	}
	cmd.Flags().StringVar(&verdict, "verdict", "", "approve or decline")
	note.flags(
		cmd,
		"note",
		"why, for colleagues; the operator never reads it; needed for decline, and for approve while a check is HIGH",
	)
	g.flags(cmd)
	complete(cmd, "verdict", verdicts()...)
	return a.online(staff, making(cmd), func(c *call) (page, error) {
		if err := errors.Join(cli.Need(cmd.Flags(), "verdict"), oneOf(cmd, "verdict", verdicts()...)); err != nil {
			return page{}, err
		}
		why, err := note.read(c, false)
		if err != nil {
			return page{}, err
		}
		app, digest, proceed, err := g.on(c, "vote "+verdict)
		if err != nil || !proceed {
			return page{}, err
		}
		vote := client.NewVote{Verdict: client.Verdict(verdict), DecisionDigest: digest.String(), Note: given(why)}
		return changed(
			ok201(
				c.api.VoteApplicationWithResponse(
					c.ctx,
					app.Id,
					&client.VoteApplicationParams{IdempotencyKey: c.key()},
					vote,
				),
			),
		)
	})
}

func (a *app) askCommand() *cobra.Command {
	var g agreement
	var message written
	cmd := &cobra.Command{
		Use:   "ask ID",
		Short: "Ask the operator of an application a question",
		Args:  cobra.ExactArgs(1),
		Long: "Ask the operator a question. The application waits for the answer. This is no vote: you may vote later.\n" +
			"The operator reads the message word for word.",
	}
	message.flags(cmd, "message", "what the operator reads, word for word")
	g.flags(cmd)
	return a.online(staff, making(cmd), func(c *call) (page, error) {
		words, err := message.read(c, true)
		if err != nil {
			return page{}, err
		}
		app, digest, proceed, err := g.on(c, "send the question")
		if err != nil || !proceed {
			return page{}, err
		}
		return changed(
			ok201(
				c.api.AskOperatorWithResponse(
					c.ctx,
					app.Id,
					&client.AskOperatorParams{IdempotencyKey: c.key()},
					client.NewQuestion{DecisionDigest: digest.String(), Message: words},
				),
			),
		)
	})
}

func (a *app) decideCommand() *cobra.Command {
	var g agreement
	var outcome string
	var message, note written
	cmd := &cobra.Command{
		Use:   "decide ID",
		Short: "Decide an application whose quorum is met",
		Args:  cobra.ExactArgs(1),
		Long: "Decide an application. An approved one is owed its grant from then on. The decision is refused (exit code\n" +
			"4) when the application changes between being shown and being decided.",
	}
	cmd.Flags().StringVar(&outcome, "outcome", "", "approve or decline")
	message.flags(cmd, "message", "what the operator reads; needed for decline")
	note.flags(
		cmd,
		"note",
		"for colleagues; needed for approve while a check is HIGH and no vote to approve has a note",
	)
	g.flags(cmd)
	complete(cmd, "outcome", outcomes()...)
	return a.online(staff, cmd, func(c *call) (page, error) {
		if err := errors.Join(cli.Need(cmd.Flags(), "outcome"), oneOf(cmd, "outcome", outcomes()...)); err != nil {
			return page{}, err
		}
		words, err := message.read(c, false)
		if err != nil {
			return page{}, err
		}
		why, err := note.read(c, false)
		if err != nil {
			return page{}, err
		}
		app, digest, proceed, err := g.on(c, outcome+" for good")
		if err != nil || !proceed {
			return page{}, err
		}
		order := client.NewDecision{
			Outcome:        client.NewDecisionOutcome(outcome),
			DecisionDigest: digest.String(),
			Message:        given(words),
			Note:           given(why),
		}
		params := client.DecideApplicationParams{IfMatch: etag(app.Version)}
		return changed(ok200(c.api.DecideApplicationWithResponse(c.ctx, app.Id, &params, order)))
	})
}

// etag writes a version as the entity tag that the API gives it.
func etag(version int64) string { return strconv.Quote(itoa(version)) }

func (a *app) messageCommand() *cobra.Command {
	var message written
	var audience string
	cmd := &cobra.Command{
		Use:   "message ID",
		Short: "Write to the operator, or note something for the team",
		Args:  cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&audience, "to", "", "operator: the operator reads it; team: a note among staff")
	message.flags(cmd, "text", "what to write")
	complete(cmd, "to", audiences()...)
	return a.online(staff, making(cmd), func(c *call) (page, error) {
		if err := errors.Join(cli.Need(cmd.Flags(), "to"), oneOf(cmd, "to", audiences()...)); err != nil {
			return page{}, err
		}
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		text, err := message.read(c, true)
		if err != nil {
			return page{}, err
		}
		return changed(
			ok201(
				c.api.AddMessageWithResponse(
					c.ctx,
					id,
					&client.AddMessageParams{IdempotencyKey: c.key()},
					client.NewMessage{Audience: client.Audience(audience), Text: text},
				),
			),
		)
	})
}
