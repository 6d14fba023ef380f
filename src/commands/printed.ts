/**
 * A text as it may be printed: what names, ids and headers of others hold could move the cursor of a terminal, or
 * colour it.
 */
export function printed(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, '\ufffd')
}
