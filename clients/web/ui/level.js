/** Says how loud a level looks: the one scale of halo, bars and meter. */

/** The level at which they begin. */
const QUIETEST_DBFS = -60;

/** @param {number} levelDbfs @returns {number} 0 to 1, for the eye only */
export const shareOfLevel = (levelDbfs) => Math.min(1, Math.max(0, 1 - levelDbfs / QUIETEST_DBFS));
