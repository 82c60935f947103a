package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/registry"
)

// CharterStore keeps charters, drafts and their signatures.
type CharterStore struct{ *DB }

var _ registry.Store = CharterStore{}

// Book reads everything on one state of the database.
func (s CharterStore) Book(ctx context.Context) (registry.Book, error) {
	var book registry.Book
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) (err error) {
		book, err = readBook(ctx, q)
		return err
	})
	return book, err
}

// UpdateBook holds off every other change of the Book until its transaction ends.
func (s CharterStore) UpdateBook(ctx context.Context, fn func(*registry.Work) error) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := q.LockCharters(ctx); err != nil {
			return err
		}
		book, err := readBook(ctx, q)
		if err != nil {
			return err
		}
		w := &registry.Work{Book: book}
		if err := fn(w); err != nil {
			return err
		}
		if err := writeBook(ctx, q, w); err != nil {
			return err
		}
		return s.record(ctx, q, w.Entries...)
	})
}

func writeBook(ctx context.Context, q *db.Queries, w *registry.Work) error {
	if d := w.NewDraft; d != nil {
		if err := q.InsertCharterDraft(ctx, db.InsertCharterDraftParams{
			Digest: d.Digest[:], Text: d.Text, ProposedBy: d.ProposedBy, ProposedAt: d.At,
		}); err != nil {
			return err
		}
	}
	var signatures []registry.Signature
	if w.NewSignature != nil {
		signatures = append(signatures, *w.NewSignature)
	}
	if t := w.NewTaken; t != nil {
		err := q.InsertCharter(ctx, db.InsertCharterParams{Digest: t.Digest[:], Text: t.Text, TakenInAt: t.At})
		if err != nil {
			return err
		}
		if w.NewSignature == nil { // all of them are new
			signatures = t.Signatures
		}
	}
	for _, signature := range signatures {
		if err := q.InsertCharterSignature(ctx, db.InsertCharterSignatureParams{
			Digest: signature.Charter[:], Key: signature.Key, Armored: string(signature.Armored), At: signature.At,
		}); err != nil {
			return err
		}
	}
	if len(w.DropDrafts) == 0 {
		return nil
	}
	drop := make([][]byte, len(w.DropDrafts))
	for i, digest := range w.DropDrafts {
		drop[i] = slices.Clone(digest[:])
	}
	return q.DropCharterDrafts(ctx, drop)
}

func readBook(ctx context.Context, q *db.Queries) (registry.Book, error) {
	var book registry.Book
	taken, err := q.ListCharters(ctx)
	if err != nil {
		return book, err
	}
	drafts, err := q.ListCharterDrafts(ctx)
	if err != nil {
		return book, err
	}
	rows, err := q.ListCharterSignatures(ctx)
	if err != nil {
		return book, err
	}
	signatures := map[decision.Digest][]registry.Signature{}
	for _, r := range rows {
		digest := decision.Digest(r.Digest)
		signatures[digest] = append(signatures[digest], registry.Signature{
			Charter: digest, Key: r.Key, Armored: []byte(r.Armored), At: r.At,
		})
	}
	for _, r := range taken {
		digest := decision.Digest(r.Digest)
		book.Taken = append(book.Taken, registry.Taken{
			Digest: digest, Text: r.Text, Signatures: signatures[digest], At: r.TakenInAt,
		})
	}
	for _, r := range drafts {
		digest := decision.Digest(r.Digest)
		book.Drafts = append(book.Drafts, registry.Draft{
			Digest: digest, Text: r.Text, Signatures: signatures[digest],
			ProposedBy: r.ProposedBy, Proposer: r.Name, At: r.ProposedAt,
		})
	}
	return book, nil
}
