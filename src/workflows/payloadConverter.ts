import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/** Enough to recognise what was sent, and no more than fits beside everything else in a status. */
const longestKept = 200;

/**
 * The default converter, but what it cannot decode becomes `{ notJson: "<first 200 characters>" }`.
 * Anyone can send a signal whose bytes are no JSON; decoding happens before any handler runs, and an
 * error there fails the workflow's task again and again until somebody resets the run.
 *
 * The name is what the SDK looks for in the module at `payloadConverterPath`.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload: <T>(payload: Payload) => {
    try {
      return defaultPayloadConverter.fromPayload<T>(payload);
    } catch {
      // A payload without data has a plain array there, which TextDecoder refuses: hence the copy.
      return { notJson: new TextDecoder().decode(Uint8Array.from(payload.data ?? [])).slice(0, longestKept) } as T;
    }
  },
};
