// Reads jobs from standard input, one JSON object a line: {key: {algorithm, public, credential,
// origin}, challenge, assertion: {credential, client_data, authenticator_data, signature}}, bytes
// in base64. Has @simplewebauthn/server judge each answer of a passkey, and writes one line a job:
// "yes", or why not.
import { createInterface } from 'node:readline'
import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import { isoCBOR } from '@simplewebauthn/server/helpers'

const bytes = (text) => Uint8Array.from(Buffer.from(text ?? '', 'base64'))
const url = (text) => Buffer.from(text ?? '', 'base64').toString('base64url')

// cose writes a raw public key as COSE does (RFC 9053 and 8230).
function cose({ algorithm, public: text }) {
  const raw = bytes(text)
  const members = {
    es256: [[1, 2], [3, -7], [-1, 1], [-2, raw.slice(1, 33)], [-3, raw.slice(33)]],
    eddsa: [[1, 1], [3, -8], [-1, 6], [-2, raw]],
    rs256: [[1, 3], [3, -257], [-1, raw], [-2, Uint8Array.of(1, 0, 1)]],
  }[algorithm]
  return Uint8Array.from(isoCBOR.encode(new Map(members)))
}

async function judge({ key, challenge, assertion }) {
  const id = url(assertion.credential)
  try {
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: url(assertion.client_data),
          authenticatorData: url(assertion.authenticator_data),
          signature: url(assertion.signature),
        },
      },
      expectedChallenge: url(challenge),
      expectedOrigin: key.origin,
      expectedRPID: new URL(key.origin).hostname,
      credential: { id: url(key.credential), publicKey: cose(key), counter: 0 },
      requireUserVerification: true,
    })
    return verified ? 'yes' : 'the signature does not hold'
  } catch (err) {
    return String(err.message).split('\n')[0] || 'refused'
  }
}

const answers = []
for await (const line of createInterface({ input: process.stdin })) {
  answers.push(await judge(JSON.parse(line)))
}
process.stdout.write(answers.join('\n') + '\n')
