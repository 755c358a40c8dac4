namespace CoExpr.Tests

open System
open System.Diagnostics
open System.IO
open System.IO.Compression
open System.Text
open NUnit.Framework
open CoExpr

/// What the tests of readers share: files made of text, and matrices as rows of numbers.
[<RequireQualifiedAccess>]
module TextFiles =

    /// Writes text, packed if the name ends in .gz, and gives the path.
    let put (folder: string) (name: string) (text: string) =
        let path = Path.Combine(folder, name)
        let bytes = Encoding.UTF8.GetBytes text

        if name.EndsWith ".gz" then
            use gzip = new GZipStream(File.Create path, CompressionLevel.Optimal)
            gzip.Write(bytes, 0, bytes.Length)
        else
            File.WriteAllBytes(path, bytes)

        path

    /// The matrix, one row per cell, one column per gene.
    let dense (cells: Cells) =
        Array.init cells.Counts.Cells (fun cell ->
            let row = Array.zeroCreate<float> cells.Counts.Genes

            let indices = cells.Counts.ByCell.IndicesOf cell
            let values = cells.Counts.ByCell.ValuesOf cell

            for at in 0 .. indices.Length - 1 do
                row[indices[at]] <- float values[at]

            row)

    /// One value of the matrix.
    let value (cell: int) (gene: int) cells =
        Array.item gene (Array.item cell (dense cells))

    let geneNames (cells: Cells) = cells.GeneTable.Names

    let cellNames (cells: Cells) = cells.CellTable.Names

    /// What a program prints, or what it complains of.
    let private run (program: string) (folder: string) (code: string) =
        let start =
            ProcessStartInfo(program, [ "-c"; code ], RedirectStandardOutput = true, RedirectStandardError = true)

        start.WorkingDirectory <- folder
        use running = Process.Start start
        let errors = running.StandardError.ReadToEndAsync()
        let output = running.StandardOutput.ReadToEnd()
        running.WaitForExit()

        if running.ExitCode = 0 then
            Ok(output.Trim())
        else
            Error errors.Result

    let private pythons =
        (Environment.GetEnvironmentVariable "PATH").Split Path.PathSeparator
        |> Array.map (fun folder -> Path.Combine(folder, "python3"))
        |> Array.filter File.Exists

    /// Runs a Python script with these modules in a folder, and gives what it prints; the test is reported as skipped
    /// where no Python of the PATH has them.
    let python (modules: string) (folder: string) (script: string) =
        match
            pythons
            |> Array.tryFind (fun python -> Result.isOk (run python folder $"import {modules}"))
        with
        | None ->
            Assert.Ignore $"python3 with {modules} is not here"
            ""
        | Some python ->
            match run python folder script with
            | Ok output -> output
            | Error message ->
                Assert.Fail message
                ""
