"""The sample of `polly demo`: a service with fourteen real faults, a review of it, and a fix for each."""
