package signer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cores"
	"github.com/causeway-fund/causeway/internal/errs"
)

// sign returns the packet of p with the signature of every input, each of which
// it has verified: a signature that a fault made wrong stays here.
func (s *Signer) sign(p *proposal) ([]byte, error) {
	if err := s.keys.Sign(p.packet); err != nil {
		return nil, errs.Wrap(err, errs.Internal, wallet.CodeSigningFailed, "The transaction could not be signed.")
	}
	if err := verifySignatures(p, s.cfg.Key.Descriptor()); err != nil {
		return nil, errs.Wrap(
			err,
			errs.Internal,
			wallet.CodeSigningFailed,
			"A signature failed verification and was discarded.",
		)
	}
	// The caller has the previous transactions, which may be megabytes.
	bare, _, err := wallet.TakePrevTxs(p.packet)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := bare.Serialize(&b); err != nil {
		return nil, fmt.Errorf("encode signed PSBT: %w", err)
	}
	return b.Bytes(), nil
}

func verifySignatures(p *proposal, d *wallet.Descriptor) error {
	prevouts := txscript.NewMultiPrevOutFetcher(nil)
	for i, in := range p.packet.UnsignedTx.TxIn {
		prevouts.AddPrevOut(in.PreviousOutPoint, p.coins[i].prev)
	}
	hashes := txscript.NewTxSigHashes(p.packet.UnsignedTx, prevouts)
	verify := verifyWhole
	if d.Kind() == wallet.KindWSH {
		verify = verifyPartial(d)
	}
	tx := p.packet.UnsignedTx.Copy()
	return cores.Each(len(tx.TxIn), func(i int) error {
		if err := verify(p, i, tx, hashes, prevouts); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
		return nil
	})
}

// verifyWhole runs the script engine on an input that one signature completes.
func verifyWhole(
	p *proposal,
	i int,
	tx *wire.MsgTx,
	hashes *txscript.TxSigHashes,
	prevouts txscript.PrevOutputFetcher,
) error {
	tx.TxIn[i].Witness = wire.TxWitness{p.packet.Inputs[i].TaprootKeySpendSig}
	if sigs := p.packet.Inputs[i].PartialSigs; len(sigs) == 1 {
		tx.TxIn[i].Witness = wire.TxWitness{sigs[0].Signature, sigs[0].PubKey}
	}
	prev := p.coins[i].prev
	engine, err := txscript.NewEngine(
		prev.PkScript,
		tx,
		i,
		txscript.StandardVerifyFlags,
		nil,
		hashes,
		prev.Value,
		prevouts,
	)
	if err != nil {
		return err
	}
	return engine.Execute()
}

// verifyPartial holds the one signature that was added to an input against the
// BIP143 digest of the derived witness script, whose other signatures are not
// here.
func verifyPartial(
	d *wallet.Descriptor,
) func(*proposal, int, *wire.MsgTx, *txscript.TxSigHashes, txscript.PrevOutputFetcher) error {
	return func(p *proposal, i int, tx *wire.MsgTx, hashes *txscript.TxSigHashes, _ txscript.PrevOutputFetcher) error {
		c, sigs := p.coins[i], p.packet.Inputs[i].PartialSigs
		if len(sigs) != 1 {
			return fmt.Errorf("has %d signatures, not one", len(sigs))
		}
		script, err := d.WitnessScript(c.chain, c.index)
		if err != nil {
			return err
		}
		// A compressed key is pushed by one opcode, so that its bytes stand in the
		// script as they are.
		pub, err := btcec.ParsePubKey(sigs[0].PubKey)
		if err != nil || !bytes.Contains(script, sigs[0].PubKey) {
			return errors.New("is signed with an unknown key")
		}
		der, hashType := splitSignature(sigs[0].Signature)
		sig, err := ecdsa.ParseDERSignature(der)
		if err != nil || hashType != txscript.SigHashAll {
			return errors.New("has a signature in an unexpected form")
		}
		digest, err := txscript.CalcWitnessSigHash(script, hashes, txscript.SigHashAll, tx, i, c.prev.Value)
		if err != nil {
			return err
		}
		if !sig.Verify(digest, pub) {
			return errors.New("has a signature that fails verification")
		}
		return nil
	}
}

func splitSignature(sig []byte) (der []byte, hashType txscript.SigHashType) {
	if len(sig) == 0 {
		return nil, 0
	}
	return sig[:len(sig)-1], txscript.SigHashType(sig[len(sig)-1])
}
