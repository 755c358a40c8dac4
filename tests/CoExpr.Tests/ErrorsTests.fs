namespace CoExpr.Tests

open System
open System.Threading.Tasks
open FsCheck
open NUnit.Framework
open FsCheck.NUnit
open CoExpr

module ErrorsTests =

    /// Every kind of error, and its whole sentence.
    let private sentences = [
        CoExprError.FileNotFound "a.h5ad", "a.h5ad: no such file or folder."
        CoExprError.UnknownFormat("a.x", "it is a picture."), "a.x: it is a picture."
        CoExprError.DamagedFile("a.mtx", "5 of 7 entries."), "a.mtx: the file is damaged: 5 of 7 entries."

        CoExprError.MissingPart("a.h5ad", "layer cuonts", [ "counts"; "raw" ]),
        "a.h5ad: there is no layer cuonts; present: counts, raw."

        CoExprError.MissingPart("a.h5ad", "raw", []), "a.h5ad: there is no raw; present: nothing."

        CoExprError.BadValue("a.h5ad", "STAT1", "cell_7", -1.5, "Give counts."),
        "a.h5ad: gene STAT1 has the value -1.5 in cell cell_7. Give counts."

        CoExprError.UnequalLengths("names of cells", 3L, 2L), "names of cells: 2 where 3 were expected."

        CoExprError.DuplicateName("a.h5ad", "gene", "STAT1", 4, 9),
        "a.h5ad: gene STAT1 stands at two places, 4 and 9; names must be unique."

        CoExprError.UnknownLabel("control", "contrl", [ "STAT1"; "control" ]),
        "control: contrl is not known; known: STAT1, control. Did you mean control?"

        CoExprError.TooFew("cells", 1L, 10L, "Keep more."), "1 cells are left where at least 10 are needed. Keep more."
        CoExprError.TooLarge("pairs", 10L, 5L), "pairs: 10 is more than the 5 that fit."
        CoExprError.BadOption("--bins", "1", "2 to 255"), "--bins 1: 2 to 255."
        CoExprError.CannotWrite("a.tsv", "the disk is full."), "a.tsv: cannot be written: the disk is full."

        CoExprError.MissingLibrary("libhdf5", "apt install it.", "Text files work."),
        "libhdf5 was not found. apt install it. Text files work."
    ]

    [<Test>]
    let ``every error is a sentence with its names and numbers`` () =
        for error, sentence in sentences do
            Expect.equal sentence (CoExprError.describe error)

    [<Test>]
    let ``a slip is set right, another word is not`` () =
        Expect.equal (Some "counts") (CoExprError.nearest "cuonts" [ "raw"; "counts" ])
        Expect.equal (Some "counts") (CoExprError.nearest "COUNTS" [ "raw"; "counts" ])
        Expect.equal None (CoExprError.nearest "lognorm" [ "raw"; "counts" ])
        Expect.equal None (CoExprError.nearest "counts" [])

    [<Property>]
    let ``a known word is its own nearest`` (NonEmptyString word) (others: NonEmptyString list) =
        let known = word :: (others |> List.map _.Get)
        // Another of the same letters in another case is as near.
        String.Equals(CoExprError.nearest word known |> Option.get, word, StringComparison.OrdinalIgnoreCase)

    [<Test>]
    let ``long lists are cut, and say so`` () =
        let message =
            CoExprError.describe (CoExprError.UnknownLabel("x", "?", List.init 20 string))

        Assert.That(message, Does.Contain "10, 11, and 8 more")

    [<Test>]
    let ``a failure becomes a value, also out of threads, and others pass`` () =
        let error = CoExprError.FileNotFound "x"
        Expect.equal (Ok 1) (CoExprError.protect (fun () -> 1))
        Expect.equal (Error error) (CoExprError.protect (fun () -> raise (CoExprFailure error)))

        let inThreads () =
            Parallel.For(0, 4, fun (_: int) -> raise (CoExprFailure error)) |> ignore

        Expect.equal (Error error) (CoExprError.protect inThreads)

        let inSchedule () =
            Schedule.blocks 3 9 ignore (fun () _ -> raise (CoExprFailure error))

        Expect.equal (Error error) (CoExprError.protect inSchedule)
        Expect.raises<InvalidOperationException>(fun () -> CoExprError.protect (fun () -> invalidOp "bug") |> ignore)

    [<Test>]
    let ``the first error ends a computation`` () =
        let mutable after = false

        let outcome =
            result {
                let! one = Ok 1

                do!
                    if one = 1 then
                        Error(CoExprError.FileNotFound "x")
                    else
                        Ok()

                after <- true
                return one
            }

        Expect.equal (Error(CoExprError.FileNotFound "x")) outcome
        Expect.equal false after
