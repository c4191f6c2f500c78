/** The node that the newer version has more. */
export const addedNode = 'read-host-again';
