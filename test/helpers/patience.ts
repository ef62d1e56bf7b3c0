/**
 * How many times longer than usual tests wait before they call something broken: MINDERBINDER_TEST_PATIENCE=5 on
 * a machine that has much else to do. Bounds only: nothing that works takes longer for it.
 */
export const patience = Number(process.env.MINDERBINDER_TEST_PATIENCE) || 1
