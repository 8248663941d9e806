/** Only the browser itself can say so; no address parameter can (W1). */
export const gpc = (): boolean => (navigator as { globalPrivacyControl?: unknown }).globalPrivacyControl === true;
