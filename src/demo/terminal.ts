/** Shows the demo's view: redrawn in place on a terminal, a line now and then where stdout is none. */
import type { WriteStream } from 'node:tty';
import { drawFrame, drawInvitation, drawLine, drawSummary, fitted, type Scene, type Style } from './view.ts';

/** How it shall look where it is shown. */
export interface Look {
  style: Style;
  /** Whether a frame can be drawn over the one before. */
  redraws: boolean;
  /** As it is now: windows are made wider and narrower. */
  columns: () => number;
}

export interface Terminal {
  open(url: string): void;
  show(scene: Scene): void;
  /** The last frame stays where it is. */
  close(scene: Scene): void;
  /** Milliseconds between two calls of `show`. */
  every: number;
}

const FRAME_MS = 500;
const LINE_MS = 5000;

export function openTerminal(out: WriteStream | NodeJS.WriteStream, { style, redraws, columns }: Look): Terminal {
  const write = (lines: readonly string[]): void => {
    out.write(lines.map((line) => `${line}\n`).join(''));
  };
  let drawn = 0;

  const frame = (scene: Scene): void => {
    // A frame higher than the screen could not be taken back.
    const lines = drawFrame(scene, style).slice(0, Math.max(1, (out.rows || 24) - 1));
    const text = lines.map((line) => `\u001b[2K${fitted(line, columns())}\n`).join('');
    const back = drawn > 0 ? `\u001b[${drawn}A` : '';
    drawn = lines.length;
    // The rest of the screen is cleared: the frame before may have been longer.
    out.write(`\u001b[?25l${back}${text}\u001b[J`);
  };

  return {
    every: redraws ? FRAME_MS : LINE_MS,
    open(url) {
      write([`conduit listening on ${url}`, '', ...drawInvitation(url, style)]);
    },
    show(scene) {
      if (redraws) frame(scene);
      else write([drawLine(scene)]);
    },
    close(scene) {
      if (redraws) {
        frame(scene);
        out.write('\u001b[?25h');
      }
      write(['', ...drawSummary(scene, style)]);
    },
  };
}
