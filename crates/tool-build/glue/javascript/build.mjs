// Run by node: makes the component. Arguments: the stage, the file to write.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const [stage, output] = process.argv.slice(2);
// From the folder of this file, whatever node was started in.
const { componentize } = createRequire(import.meta.url)("componentize-qjs");
try {
  const { component } = await componentize({
    witPath: join(stage, "leadhand-wit"),
    world: "tool",
    jsSource: await readFile(join(stage, "leadhand_glue.js"), "utf8"),
    jsPath: join(stage, "leadhand_glue.js"),
    moduleRoot: stage,
    sync: true,
  });
  await writeFile(output, component);
} catch (error) {
  console.error(String(error.message ?? error).replaceAll(`${stage}/`, ""));
  process.exit(1);
}
