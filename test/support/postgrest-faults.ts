/** Ways in which a Supabase project can fail. */

export interface Faults {
  /** Takes what comes, and answers nothing. */
  frozen: boolean;
  /** Answers this status with a page of a gateway's, before anything is done. */
  status: number | null;
  /** As PostgreSQL answers when the disk is full. */
  diskFull: boolean;
  readOnly: boolean;
  slowMs: number;
  /** So many answers are cut off in their middle, after what was asked has been done. */
  cutOff: number;
  /** Only those of this function are. */
  cutOffOf: string | null;
}

export const NO_FAULTS: Faults = {
  frozen: false,
  status: null,
  diskFull: false,
  readOnly: false,
  slowMs: 0,
  cutOff: 0,
  cutOffOf: null,
};
