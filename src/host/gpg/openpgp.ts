import { open } from 'node:fs/promises';

/** How a file is encrypted, as the packets at its beginning say. */
export interface Encryption {
  /** What opens it. */
  readonly openedBy: 'passphrase' | 'private key' | 'passphrase or private key';
  /** The cipher; known without opening it only where a passphrase opens it. */
  readonly cipher: string | undefined;
  /** Whether a change of the content would be noticed when it is decrypted. */
  readonly isIntegrityProtected: boolean;
}

/**
 * Reads the beginning of a binary OpenPGP file, without a passphrase and without gpg.
 *
 * @returns undefined where the file is no encrypted OpenPGP message (armoured text included).
 * @see RFC 4880, 4.2 (packet headers), 5.1, 5.3 (encrypted session keys), 5.13 (integrity protection)
 */
export async function readEncryption(path: string): Promise<Encryption | undefined> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return encryptionOf(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

// Session key packets are below 1 KiB each; dozens of recipients fit.
const headBytes = 64 * 1024;

const tags = { publicKeySession: 1, symmetricSession: 3, plainlyEncrypted: 9, protectedWithMdc: 18, protectedWithAead: 20 };
const ciphers: Readonly<Record<number, string>> = { 7: 'AES128', 8: 'AES192', 9: 'AES256', 10: 'TWOFISH', 2: '3DES', 3: 'CAST5' };

function encryptionOf(head: Buffer): Encryption | undefined {
  let offset = 0;
  const seen = new Set<number>();
  let cipher: string | undefined;
  while (offset < head.length) {
    const packet = readHeader(head, offset);
    if (packet === undefined) return undefined;
    if (packet.tag === tags.symmetricSession) cipher ??= ciphers[head[packet.bodyStart + 1] ?? 0];
    else if (packet.tag !== tags.publicKeySession) return seen.size === 0 ? undefined : describe(packet.tag, seen, cipher);
    seen.add(packet.tag);
    if (packet.bodyBytes === undefined) return undefined;
    offset = packet.bodyStart + packet.bodyBytes;
  }
  return undefined;
}

function describe(dataTag: number, sessions: ReadonlySet<number>, cipher: string | undefined): Encryption | undefined {
  if (dataTag !== tags.plainlyEncrypted && dataTag !== tags.protectedWithMdc && dataTag !== tags.protectedWithAead) return undefined;
  const byPassphrase = sessions.has(tags.symmetricSession);
  const byKey = sessions.has(tags.publicKeySession);
  return {
    openedBy: byPassphrase && byKey ? 'passphrase or private key' : byKey ? 'private key' : 'passphrase',
    cipher,
    isIntegrityProtected: dataTag !== tags.plainlyEncrypted,
  };
}

/** A packet's tag and where its body lies; the length is absent where it is partial or indeterminate. */
function readHeader(head: Buffer, offset: number): { tag: number; bodyStart: number; bodyBytes: number | undefined } | undefined {
  const first = head[offset] ?? 0;
  if ((first & 0x80) === 0) return undefined;
  if ((first & 0x40) === 0) {
    const lengthBytes = [1, 2, 4, 0][first & 3] ?? 0;
    const bodyStart = offset + 1 + lengthBytes;
    const isKnown = lengthBytes > 0 && bodyStart <= head.length;
    return { tag: (first >> 2) & 0x0f, bodyStart, bodyBytes: isKnown ? head.readUIntBE(offset + 1, lengthBytes) : undefined };
  }
  const tag = first & 0x3f;
  const second = head[offset + 1] ?? 0xff;
  if (second < 192) return { tag, bodyStart: offset + 2, bodyBytes: second };
  if (second < 224) return { tag, bodyStart: offset + 3, bodyBytes: ((second - 192) << 8) + (head[offset + 2] ?? 0) + 192 };
  if (second < 255) return { tag, bodyStart: offset + 2, bodyBytes: undefined };
  const isKnown = offset + 6 <= head.length;
  return { tag, bodyStart: offset + 6, bodyBytes: isKnown ? head.readUInt32BE(offset + 2) : undefined };
}
