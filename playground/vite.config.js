import { defineConfig } from "vite";

export default defineConfig({
  // The gateway serves the result below /graphiql/.
  base: "/graphiql/",
  esbuild: { jsx: "automatic" },
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 4000, // kB: the editor is large, and is loaded once.
    reportCompressedSize: false,
    rollupOptions: {
      // Packages that can run on a server too mark their modules for it; that says nothing here.
      onwarn: (warning, warn) => warning.code === "MODULE_LEVEL_DIRECTIVE" || warn(warning),
    },
  },
  worker: { format: "es" },
});
